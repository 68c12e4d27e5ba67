using System.Text.Json.Serialization;
using SseApp.ServiceDefaults.Defaults.Keys;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>The file of the API keys. It is written as a whole, in the place of the old one, so that nobody reads half of it.</summary>
internal static class ApiKeyStore
{
    /// <summary>More is no file of keys.</summary>
    private const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>What keeps the file from being used; null: nothing, or there is no file to use.</summary>
    public static string? Problem(string? path)
    {
        if (string.IsNullOrWhiteSpace(path))
        {
            return null;
        }

        try
        {
            _ = Read(path);
            return OpenFile.Writable(path) is { } open ? $"{CredentialOptions.SectionName}:{nameof(CredentialOptions.ApiKeyFile)} is '{path}', {open}." : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return $"{CredentialOptions.SectionName}:{nameof(CredentialOptions.ApiKeyFile)} is '{path}', which cannot be used: {exception.ForPeople()} Make one with 'keys add'.";
        }
    }

    /// <exception cref="ArgumentException">What is in the file is no list of keys.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IReadOnlyList<StoredApiKey> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (file.Length > MaxBytes)
        {
            throw new ArgumentException($"It has more than {MaxBytes} bytes.", nameof(path));
        }

        try
        {
            var bytes = new byte[file.Length];
            var text = TextFile.Decode(bytes.AsSpan(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)));
            var keys = JsonSerializer.Deserialize(text, ApiKeyJsonContext.Default.ApiKeyLineArray) ?? [];
            return [.. keys.Select((key, index) => key.ToStored($"Key {index + 1}"))];
        }
        catch (InvalidDataException exception)
        {
            throw new ArgumentException($"{char.ToUpperInvariant(exception.Message[0])}{exception.Message[1..]}.", nameof(path), exception);
        }
        catch (JsonException exception)
        {
            throw new ArgumentException($"It is no JSON array of keys (line {exception.LineNumber + 1}).", nameof(path), exception);
        }
    }

    public static void Write(string path, IEnumerable<StoredApiKey> keys) => PrivateFile.Replace(
        Path.GetFullPath(path), file => JsonSerializer.Serialize(file, [.. keys.Select(ApiKeyLine.Of)], ApiKeyJsonContext.Default.ApiKeyLineArray));
}

/// <summary>A key as it stands in the file.</summary>
internal sealed record ApiKeyLine(string? Id, string? Name, string? Sha256, string[]? Subscribe, string[]? Publish, string[]? Scopes)
{
    public static ApiKeyLine Of(StoredApiKey key) =>
        new(key.Id, key.Name, Convert.ToHexStringLower(key.Hash), [.. key.Grants.Subscribe], [.. key.Grants.Publish], [.. key.Grants.Scopes]);

    /// <exception cref="ArgumentException">Something in it cannot be.</exception>
    public StoredApiKey ToStored(string which)
    {
        var hash = new byte[32];
        if (Id is null || !ApiKey.IsId(Id) || string.IsNullOrWhiteSpace(Name) || Sha256?.Length != 64
            || Convert.FromHexString(Sha256, hash, out _, out _) != OperationStatus.Done)
        {
            throw new ArgumentException($"{which} needs 'id' (letters and digits), 'name' and 'sha256' (64 hexadecimal digits).", nameof(which));
        }

        string[] patterns = [.. Subscribe ?? [], .. Publish ?? []];
        if (Array.Find(patterns, pattern => !TopicPattern.IsValid(pattern)) is { } pattern)
        {
            throw new ArgumentException($"{which} ({Name}) has '{pattern}', which is no pattern of topics. {TopicPattern.Rule}", nameof(which));
        }

        if (patterns.Length > Grants.MaxPatterns)
        {
            throw new ArgumentException($"{which} ({Name}) has {patterns.Length} patterns; at most {Grants.MaxPatterns} are allowed.", nameof(which));
        }

        return Array.Find(Scopes ?? [], scope => scope is not (Grants.AdminScope or Grants.MetricsScope)) is { } scope
            ? throw new ArgumentException($"{which} ({Name}) has the scope '{scope}'; there are {Grants.AdminScope} and {Grants.MetricsScope}.", nameof(which))
            : new StoredApiKey(Id, Name, hash, new Grants(Subscribe ?? [], Publish ?? [], Scopes ?? []));
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowTrailingCommas = true, ReadCommentHandling = JsonCommentHandling.Skip)]
[JsonSerializable(typeof(ApiKeyLine[]))]
internal sealed partial class ApiKeyJsonContext : JsonSerializerContext;
