using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.UserSecrets;

namespace Aspire.Hosting.Utils;

/// <summary>Keeps generated values in the AppHost's user secrets, so that the next run finds them.</summary>
internal sealed class UserSecretsStore(Assembly? assembly)
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };
    private readonly Lock _lock = new();

    /// <summary>The secrets file; null when the AppHost has no user secrets id.</summary>
    public string? FilePath { get; } = assembly?.GetCustomAttribute<UserSecretsIdAttribute>() is { } attribute
        ? PathHelper.GetSecretsPathFromSecretsId(attribute.UserSecretsId)
        : null;

    /// <summary>Takes the configured value, or generates one and keeps it.</summary>
    public string GetOrSet(IConfigurationManager configuration, string name, Func<string> generate)
    {
        if (configuration[name] is { } configured)
        {
            return configured;
        }

        var value = generate();
        configuration.AddInMemoryCollection(new Dictionary<string, string?> { [name] = value });
        TrySet(name, value);
        return value;
    }

    /// <returns>False when there is no secrets id or the file cannot be written; the value then lives for this run only.</returns>
    public bool TrySet(string name, string value)
    {
        if (FilePath is null)
        {
            return false;
        }

        try
        {
            lock (_lock)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
                var secrets = File.Exists(FilePath) ? JsonNode.Parse(File.ReadAllText(FilePath)) as JsonObject ?? [] : [];
                secrets[name] = value;

                // Written beside and moved over, so that a second AppHost never reads half a file.
                var temporary = $"{FilePath}.{Environment.ProcessId}.tmp";
                File.WriteAllText(temporary, secrets.ToJsonString(s_indented));
                File.Move(temporary, FilePath, overwrite: true);
            }

            return true;
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException or JsonException)
        {
            Console.Error.WriteLine($"Could not save '{name}' to the user secrets file {FilePath}: {ex.Message}");
            return false;
        }
    }
}
