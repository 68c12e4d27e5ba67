using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using Microsoft.Extensions.Primitives;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Events.Relay;

/// <summary>A request on a relay connection as the pipeline sees it: what a server is for a request of its own.</summary>
internal abstract partial class RelayServerRequest :
    IHttpRequestFeature, IHttpResponseFeature, IHttpResponseBodyFeature, IHttpRequestLifetimeFeature, IHttpConnectionFeature,
    IHttpRequestBodyDetectionFeature
{
    private List<(Func<object, Task> Callback, object State)>? _starting;
    private List<(Func<object, Task> Callback, object State)>? _completed;

    protected RelayServerRequest(RelayServerConnection connection, int id, string target, IEnumerable<KeyValuePair<string, string>> headers)
    {
        Connection = connection;
        Id = id;
        var carrier = connection.Carrier;
        Scheme = carrier.Request.Scheme;
        (RemoteIpAddress, RemotePort) = (carrier.Connection.RemoteIpAddress, carrier.Connection.RemotePort);
        (LocalIpAddress, LocalPort) = (carrier.Connection.LocalIpAddress, carrier.Connection.LocalPort);
        var query = target.IndexOf('?', StringComparison.Ordinal);
        // As the server decodes it: every escape but that of a slash.
        Path = PathString.FromUriComponent(query < 0 ? target : target[..query]).Value ?? "";
        QueryString = query < 0 ? "" : target[query..];
        RawTarget = target;
        foreach (var (name, value) in headers)
        {
            // Append would leave out what is empty: an Authorization that is empty is refused, and one that is missing leaves it to the cookie.
            Headers[name] = StringValues.Concat(Headers[name], value);
        }
    }

    public int Id { get; }

    protected RelayServerConnection Connection { get; }

    protected CancellationTokenSource Aborted { get; } = new();

    public string Protocol { get; set; } = HttpProtocol.Http11;

    public string Scheme { get; set; } = "http";

    public abstract string Method { get; set; }

    public string PathBase { get; set; } = "";

    public string Path { get; set; }

    public string QueryString { get; set; }

    public string RawTarget { get; set; }

    public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

    public abstract Stream Body { get; set; }

    public abstract bool CanHaveBody { get; }

    public int StatusCode { get; set; } = StatusCodes.Status200OK;

    public string? ReasonPhrase { get; set; }

    IHeaderDictionary IHttpResponseFeature.Headers
    {
        get => ResponseHeaders;
        set => ResponseHeaders = value;
    }

    protected IHeaderDictionary ResponseHeaders { get; set; } = new HeaderDictionary();

    [SuppressMessage("Design", "CA1033", Justification = "The interface's member is obsolete; nobody in this program uses it.")]
    Stream IHttpResponseFeature.Body
    {
        get => Stream;
        set => throw new NotSupportedException("The body of a relayed response is replaced through IHttpResponseBodyFeature.");
    }

    public bool HasStarted { get; protected set; }

    public abstract Stream Stream { get; }

    public abstract PipeWriter Writer { get; }

    public CancellationToken RequestAborted
    {
        get => Aborted.Token;
        set => throw new NotSupportedException("The lifetime of a relayed request is replaced as a feature.");
    }

    public string ConnectionId
    {
        get => string.Create(CultureInfo.InvariantCulture, $"{Connection.Carrier.Connection.Id}:{Id}");
        set => throw new NotSupportedException();
    }

    public IPAddress? RemoteIpAddress { get; set; }

    public IPAddress? LocalIpAddress { get; set; }

    public int RemotePort { get; set; }

    public int LocalPort { get; set; }

    public void OnStarting(Func<object, Task> callback, object state) => (_starting ??= []).Add((callback, state));

    public void OnCompleted(Func<object, Task> callback, object state) => (_completed ??= []).Add((callback, state));

    public void DisableBuffering()
    {
        // Nothing is buffered.
    }

    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        if (!HasStarted)
        {
            for (; _starting is [.., var last]; _starting.RemoveAt(_starting.Count - 1))
            {
                await last.Callback(last.State);
            }

            Begin();
        }
    }

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);

    public abstract Task CompleteAsync();

    /// <summary>Whoever asked is gone, or must be cut off.</summary>
    public abstract void Abort();

    /// <summary>Head and headers are what they will be.</summary>
    protected abstract void Begin();

    protected FeatureCollection CreateFeatures(int others)
    {
        var features = new FeatureCollection(7 + others);
        features.Set<IHttpRequestFeature>(this);
        features.Set<IHttpResponseFeature>(this);
        features.Set<IHttpResponseBodyFeature>(this);
        features.Set<IHttpRequestLifetimeFeature>(this);
        features.Set<IHttpConnectionFeature>(this);
        features.Set<IHttpRequestBodyDetectionFeature>(this);
        features.Set(SignedRequest.ForClient);
        return features;
    }

    /// <exception cref="InvalidOperationException">One of them is none that a server sends: in a frame, it would end the connection and all that is on it.</exception>
    protected List<KeyValuePair<string, string>> HeadersToSend()
    {
        var headers = new List<KeyValuePair<string, string>>(ResponseHeaders.Count);
        foreach (var (name, values) in ResponseHeaders)
        {
            foreach (var value in values)
            {
                headers.Add(KeyValuePair.Create(name, value ?? ""));
            }
        }

        return RelayHeaders.AreValid(headers) ? headers : throw new InvalidOperationException("The response has a header with characters that no header may have.");
    }

    protected async Task CompleteCallbacksAsync(ILogger logger)
    {
        for (; _completed is [.., var last]; _completed.RemoveAt(_completed.Count - 1))
        {
            try
            {
                await last.Callback(last.State);
            }
#pragma warning disable CA1031 // One that fails must not keep the others from being called.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogFailed(logger, exception);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "A relayed request failed.")]
    protected static partial void LogFailed(ILogger logger, Exception exception);
}
