using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Aspire.Hosting.Dcp.Model;
using k8s;
using k8s.Autorest;

namespace Aspire.Hosting.Dcp;

/// <summary>The engine's HTTP API: a Kubernetes API server with the engine's own kinds, plus one administrative document.</summary>
internal sealed class DcpClient(KubernetesClientConfiguration configuration) : Kubernetes(configuration)
{
    private const string JsonType = "application/json";
    private const string MergePatchType = "application/merge-patch+json";

    public async Task<T> CreateAsync<T>(T value, CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        value.ApiVersion = $"{DcpObject.Group}/{DcpObject.Version}";
        value.Kind = T.KindName;
        using var response = await SendAsync(HttpMethod.Post, PathOf<T>(), KubernetesJson.Serialize(value), JsonType, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    /// <returns>The object, or <see langword="null"/> when there is none of that name.</returns>
    public async Task<T?> GetAsync<T>(string name, CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        try
        {
            using var response = await SendAsync(HttpMethod.Get, PathOf<T>(name), content: null, JsonType, cancellationToken);
            return await ReadAsync<T>(response, cancellationToken);
        }
        catch (HttpOperationException exception) when (exception.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    public async Task<IReadOnlyList<T>> ListAsync<T>(CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        using var response = await SendAsync(HttpMethod.Get, PathOf<T>(), content: null, JsonType, cancellationToken);
        return (await ReadAsync<DcpObjectList<T>>(response, cancellationToken)).Items;
    }

    /// <param name="name">The object to change.</param>
    /// <param name="patch">A JSON merge patch (RFC 7396).</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task PatchAsync<T>(string name, object patch, CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        using var response = await SendAsync(HttpMethod.Patch, PathOf<T>(name), KubernetesJson.Serialize(patch), MergePatchType, cancellationToken);
    }

    /// <summary>Asks for the deletion; the object is gone only when the engine has stopped what it stands for.</summary>
    /// <returns>False when there is no such object.</returns>
    public async Task<bool> DeleteAsync<T>(string name, CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        try
        {
            using var response = await SendAsync(HttpMethod.Delete, PathOf<T>(name), content: null, JsonType, cancellationToken);
            return true;
        }
        catch (HttpOperationException exception) when (exception.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>One watch connection: first an event for each existing object, then changes, until the server ends it.</summary>
    public async IAsyncEnumerable<(WatchEventType Type, T Object)> WatchOnceAsync<T>([EnumeratorCancellation] CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        using var response = await StreamAsync($"{PathOf<T>()}?watch=true", cancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            using var change = JsonDocument.Parse(line);
            if (!Enum.TryParse<WatchEventType>(change.RootElement.GetProperty("type").GetString(), ignoreCase: true, out var type) ||
                type is WatchEventType.Bookmark)
            {
                continue;
            }

            var body = change.RootElement.GetProperty("object");
            if (type is WatchEventType.Error)
            {
                // The watch's position is too old, or the server is going: the caller connects again and gets a full replay.
                throw new IOException($"The engine ended the watch of {T.Plural}: {body.GetRawText()}");
            }

            yield return (type, KubernetesJson.Deserialize<T>(body));
        }
    }

    /// <summary>The lines of one log stream, each prefixed with its time; with <paramref name="follow"/> until the workload ends.</summary>
    public async IAsyncEnumerable<string> ReadLogAsync<T>(string name, string stream, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        var flag = follow ? "true" : "false";
        using var response = await StreamAsync($"{PathOf<T>(name)}/log?source={stream}&timestamps=true&follow={flag}", cancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            yield return line;
        }
    }

    /// <summary>How many lines a log stream has at present.</summary>
    public async Task<int> CountLogLinesAsync<T>(string name, string stream, CancellationToken cancellationToken)
        where T : DcpObject, IDcpKind
    {
        using var response = await StreamAsync($"{PathOf<T>(name)}/log?source={stream}&timestamps=false&follow=false&tail=1&line_numbers=true", cancellationToken);
        var last = await response.Content.ReadAsStringAsync(cancellationToken);
        return int.TryParse(last.AsSpan(0, Math.Max(0, last.IndexOf(' ', StringComparison.Ordinal))), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : 0;
    }

    /// <summary>Tells the engine to stop everything it runs and then itself.</summary>
    public async Task StopServerAsync(CancellationToken cancellationToken)
    {
        var content = KubernetesJson.Serialize(new ExecutionPatch("Stopping", "Full"));
        using var response = await SendAsync(HttpMethod.Patch, "admin/execution", content, MergePatchType, cancellationToken);
    }

    private static string PathOf<T>(string? name = null)
        where T : DcpObject, IDcpKind
    {
        var path = $"apis/{DcpObject.Group}/{DcpObject.Version}/{T.Plural}";
        return name is null ? path : $"{path}/{Uri.EscapeDataString(name)}";
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        return KubernetesJson.Deserialize<T>(stream);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? content, string contentType, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(BaseUri, path));
        if (content is not null)
        {
            request.Content = new StringContent(content, Encoding.UTF8);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        return await SendRequestRaw(content, request, cancellationToken);
    }

    // HTTP/1.1 gives each endless stream a connection of its own: five logs per replica would meet the
    // server's limit of concurrent HTTP/2 streams, and cancelling one must not disturb the others.
    private async Task<HttpResponseMessage> StreamAsync(string path, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(BaseUri, path)) { Version = HttpVersion.Version11 };
        return await SendRequestRaw(requestContent: null, request, cancellationToken);
    }

    private sealed record ExecutionPatch(string Status, string ShutdownResourceCleanup);

    private sealed record DcpObjectList<T>(IReadOnlyList<T> Items);
}
