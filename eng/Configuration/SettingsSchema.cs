using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SseApp.ConfigurationDocs;

/// <summary>The JSON schema by which an editor completes and checks an <c>appsettings.json</c>.</summary>
internal static class SettingsSchema
{
    public const string File = "eng/appsettings.schema.json";

    // Nobody puts it into a page of HTML.
    private static readonly JsonSerializerOptions s_format = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(IReadOnlyList<OptionSection> sections)
    {
        var schema = Object(sections.GroupBy(section => section.Name, StringComparer.Ordinal).Select(group => (group.Key, Section([.. group]))));
        schema.Insert(0, "$schema", "http://json-schema.org/draft-07/schema#");
        schema.Insert(1, "description", "Generated: dotnet run --project eng/Configuration");
        // What ASP.NET Core itself reads: Logging, Kestrel, ConnectionStrings.
        schema.Insert(2, "allOf", new JsonArray(new JsonObject { ["$ref"] = "https://json.schemastore.org/appsettings.json" }));
        return schema.ToJsonString(s_format) + "\n";
    }

    public static JsonObject Object(IEnumerable<(string Name, JsonObject Schema)> properties) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject(properties.Select(property => KeyValuePair.Create(property.Name, (JsonNode?)property.Schema.DeepClone()))),
    };

    // The schema of a list has those of its items.
    private static JsonObject Section(OptionSection[] classes) => Object(classes
        .SelectMany(section => section.Options.Select(option => (Option: option, Text: $"({string.Join(", ", section.Processes)}) {option.Meaning.Replace("`", "", StringComparison.Ordinal)}")))
        .Where(item => item.Option.Key.Count(character => character == ':') < 2)
        .GroupBy(item => item.Option.Key.Split(':')[0], StringComparer.Ordinal)
        .Select(group =>
        {
            var schema = group.First().Option.Schema;
            if (schema["enum"] is JsonArray)
            {
                // Processes that share a section may have words of their own for one setting.
                schema["enum"] = new JsonArray([.. group.SelectMany(item => item.Option.Schema["enum"]!.AsArray()).Select(word => word!.DeepClone()).DistinctBy(word => word.ToString(), StringComparer.Ordinal)]);
            }

            schema["description"] = string.Join(' ', group.Select(item => item.Text));
            return (group.Key, schema);
        }));
}
