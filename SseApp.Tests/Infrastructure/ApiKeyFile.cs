using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Infrastructure;

/// <summary>A file of API keys for <c>Security:ApiKeyFile</c>, which is gone after the test.</summary>
internal sealed class ApiKeyFile : IDisposable
{
    public ApiKeyFile(params StoredApiKey[] keys) => Write(keys);

    public string Path { get; } = System.IO.Path.GetTempFileName();

    /// <summary>What a file has of a key that may read and publish to the topics.</summary>
    public static StoredApiKey Stored((string Id, string Text) key, string name, params string[] topics) => Stored(key, name, new Grants(topics, topics, []));

    public static StoredApiKey Stored((string Id, string Text) key, string name, Grants grants) => new(key.Id, name, ApiKey.Hash(key.Text), grants);

    public void Write(params StoredApiKey[] keys) => ApiKeyStore.Write(Path, keys);

    public void Dispose() => File.Delete(Path);
}
