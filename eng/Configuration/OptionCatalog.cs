using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Numerics;
using System.Reflection;
using System.Text.Json.Nodes;

namespace SseApp.ConfigurationDocs;

/// <summary>One options class. Two classes can share a section, each read by other processes.</summary>
internal sealed record OptionSection(string Name, IReadOnlyList<string> Processes, string Meaning, IReadOnlyList<Option> Options);

/// <summary>One key below a section; an item of a list is <c>n</c>, one of a dictionary <c>name</c>.</summary>
internal sealed record Option(string Key, string Type, string Default, string Range, string Meaning, JsonObject Schema);

/// <summary>Finds the options classes, which have a constant <c>SectionName</c>, and describes what can be set.</summary>
internal static class OptionCatalog
{
    private static readonly (string Assembly, string[] Processes)[] s_programs =
        [("SseApp.AppHost", ["AppHost"]), ("SseApp.Events", ["replica"]), ("SseApp.Gateway", ["gateway"]), ("SseApp.ServiceDefaults", ["replica", "gateway"])];

    private static readonly (string Suffix, string Name)[] s_units = [("Bytes", ", bytes"), ("MiB", ", MiB"), ("PerSecond", ", per second"), ("Seconds", ", seconds")];

    public static IReadOnlyList<OptionSection> Read() =>
    [
        .. s_programs.SelectMany(program => Assembly.Load(program.Assembly).GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.GetField("SectionName") is { IsLiteral: true })
            .Select(type => Describe(type, program.Processes))).OrderBy(section => section.Name, StringComparer.Ordinal),
    ];

    /// <exception cref="InvalidOperationException">An option has no summary.</exception>
    public static OptionSection Describe(Type type, IReadOnlyList<string> processes)
    {
        var summaries = new XmlSummaries([.. new[] { type.Assembly, type.BaseType!.Assembly }.Distinct().Where(assembly => assembly != typeof(object).Assembly)]);
        var name = (string)type.GetField("SectionName")!.GetRawConstantValue()!;
        var section = new OptionSection(name, processes, summaries.Of(type), [.. Options(type, "", summaries)]);
        string[] missing = [.. section.Options.Where(option => option.Meaning.Length == 0).Select(option => $"{name}:{option.Key}")];
        return missing.Length == 0 ? section
            : throw new InvalidOperationException($"Write a <summary> in {type.FullName} that says what it means, not only what the default is: {string.Join(", ", missing)}.");
    }

    private static IEnumerable<Option> Options(Type type, string prefix, XmlSummaries summaries)
    {
        var defaults = Activator.CreateInstance(type, nonPublic: true);
        foreach (var property in type.GetProperties().OrderBy(property => property.DeclaringType != type).ThenBy(property => property.MetadataToken))
        {
            var value = property.GetValue(defaults);
            if (value is IEnumerable items and not string)
            {
                var element = property.PropertyType.GetGenericArguments()[^1];
                var key = $"{prefix}{property.Name}:{(value is IDictionary ? "name" : "n")}";
                Option[] nested = element.Assembly == property.DeclaringType!.Assembly && element.IsClass ? [.. Options(element, $"{key}:", summaries)] : [];
                var (kind, item) = nested.Length == 0 ? Kind(element, "") : ("object", SettingsSchema.Object(nested.Select(option => (option.Key[(key.Length + 1)..].Split(':')[0], option.Schema)).DistinctBy(member => member.Item1, StringComparer.Ordinal)));
                var schema = new JsonObject { ["type"] = value is IDictionary ? "object" : "array", [value is IDictionary ? "additionalProperties" : "items"] = item };
                foreach (var option in nested.Prepend(new(key, kind, Code(Text(items)), "", summaries.Of(property), schema)))
                {
                    yield return option;
                }
            }
            else if (property.SetMethod is { IsPublic: true })
            {
                var optionType = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                var (kind, schema) = Kind(optionType, property.Name);
                if (value is not (null or ""))
                {
                    schema["default"] = JsonValue.Create(value is Enum or not IConvertible ? Text(value) : value);
                }

                if (property.GetCustomAttribute<DataTypeAttribute>() is { DataType: DataType.Password })
                {
                    schema["writeOnly"] = true;
                }

                var bytes = kind.EndsWith("bytes", StringComparison.Ordinal) ? Bytes(value!) : "";
                var text = bytes.EndsWith('B') ? $"{Code(Text(value))} ({bytes})" : Code(Text(value));
                var range = Range(property, optionType, schema);
                if (property.GetCustomAttribute<DescriptionAttribute>() is { Description: var words })
                {
                    // Words besides numbers, as "max".
                    (range, schema) = (words, kind == "text" ? schema : new JsonObject { ["anyOf"] = new JsonArray(schema, new JsonObject { ["type"] = "string" }) });
                }

                yield return new($"{prefix}{property.Name}", kind, text, range, Meaning(property, optionType, summaries), schema);
            }
        }
    }

    private static string Meaning(PropertyInfo property, Type type, XmlSummaries summaries) => string.Join(' ', type.GetFields(BindingFlags.Public | BindingFlags.Static)
        .Where(field => type.IsEnum && type.Assembly == property.DeclaringType!.Assembly && summaries.Of(field).Length > 0)
        .Select(field => $"`{field.Name}`: {summaries.Of(field)}").Prepend(summaries.Of(property))).Trim();

    private static (string Type, JsonObject Schema) Kind(Type type, string name) => Type.GetTypeCode(type) switch
    {
        _ when type.IsEnum => ("one of", new() { ["enum"] = Names(Enum.GetNames(type)) }),
        TypeCode.Boolean => ("boolean", new() { ["type"] = "boolean" }),
        TypeCode.Int32 or TypeCode.Int64 => ("integer" + Array.Find(s_units, unit => name.EndsWith(unit.Suffix, StringComparison.Ordinal)).Name, new() { ["type"] = "integer" }),
        TypeCode.Double => ("number", new() { ["type"] = "number" }),
        TypeCode.String => ("text", new() { ["type"] = "string" }),
        _ when type == typeof(TimeSpan) => ("time", new() { ["type"] = "string", ["pattern"] = @"^(0|(\d+\.)?([01]?\d|2[0-3]):[0-5]?\d:[0-5]?\d(\.\d{1,7})?)$" }),
        _ when type == typeof(Uri) => ("address", new() { ["type"] = "string", ["format"] = "uri" }),
        _ when type.Name == "ByteSize" => ("size", new() { ["type"] = Names(["string", "integer"]) }),
        _ => throw new InvalidOperationException($"OptionCatalog does not know how an option of type {type} is written."),
    };

    private static string Range(PropertyInfo property, Type type, JsonObject schema)
    {
        switch (property.GetCustomAttributes<ValidationAttribute>().FirstOrDefault(attribute => attribute is not (RequiredAttribute or DataTypeAttribute)))
        {
            case RangeAttribute range when type == typeof(TimeSpan):
                return $"{Text(Time(range.Minimum))} to {Text(Time(range.Maximum))}";
            case RangeAttribute range:
                (schema["minimum"], schema["maximum"]) = (JsonValue.Create(range.Minimum), JsonValue.Create(range.Maximum));
                Func<object, string> text = property.Name.EndsWith("Bytes", StringComparison.Ordinal) ? Bytes : Text;
                return range.Maximum is int.MaxValue or (double)long.MaxValue ? $"at least {text(range.Minimum)}" : $"{text(range.Minimum)} to {text(range.Maximum)}";
            case AllowedValuesAttribute { Values: var values }:
                schema["enum"] = Names(values.Select(Text));
                return string.Join(", ", values.Select(value => Code(Text(value))));
            case RegularExpressionAttribute { Pattern: var pattern }:
                schema["pattern"] = pattern;
                return $"`` {pattern} ``";
            case StringLengthAttribute { MaximumLength: var length }:
                return $"at most {length} characters";
            default:
                return type.IsEnum ? string.Join(", ", Enum.GetNames(type).Select(Code)) : "";
        }

        static TimeSpan Time(object text) => TimeSpan.Parse((string)text, CultureInfo.InvariantCulture);
    }

    private static JsonArray Names(IEnumerable<string> names) => [.. names.Select(name => JsonValue.Create(name))];

    private static string Code(string text) => text.Length > 0 ? $"`{text}`" : "";

    private static string Bytes(object value)
    {
        var bytes = Convert.ToInt64(value, CultureInfo.InvariantCulture);
        var power = bytes == 0 ? 0 : Math.Min(4, BitOperations.TrailingZeroCount(bytes) / 10);
        return power == 0 ? Text(bytes) : $"{bytes >> (10 * power)} {"KMGT"[power - 1]}iB";
    }

    private static string Text(object? value) => value switch
    {
        bool flag => flag ? "true" : "false",
        TimeSpan time => time.ToString(time.Milliseconds == 0 ? "c" : @"hh\:mm\:ss\.fff", CultureInfo.InvariantCulture),
        IEnumerable items and not string => string.Join(", ", items.Cast<object>().Select(Text)),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
