using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Primitives;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Events.Relay;

/// <summary>One stream on a relay connection: what a server is for a request of its own.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The source of RequestAborted has no timer; it holds nothing but memory.")]
internal sealed partial class RelayServerRequest :
    IHttpRequestFeature, IHttpResponseFeature, IHttpResponseBodyFeature, IHttpRequestLifetimeFeature, IHttpConnectionFeature,
    IHttpRequestBodyDetectionFeature, IStreamWriterFeature
{
    // The gateway holds what one write brings beyond what it asked for; nothing else waits there.
    private static readonly TaskCompletionSource<bool> s_gone = CreateGone();

    private readonly RelayServerConnection _connection;
    private readonly CancellationTokenSource _aborted = new();
    private TaskCompletionSource<bool>? _ready;
    private long _frame;
    private int _ended;

    public RelayServerRequest(RelayServerConnection connection, RelayOpen open)
    {
        _connection = connection;
        Id = open.Id;
        var carrier = connection.Carrier;
        Scheme = carrier.Request.Scheme;
        (RemoteIpAddress, RemotePort) = (carrier.Connection.RemoteIpAddress, carrier.Connection.RemotePort);
        (LocalIpAddress, LocalPort) = (carrier.Connection.LocalIpAddress, carrier.Connection.LocalPort);
        var query = open.Target.IndexOf('?', StringComparison.Ordinal);
        Path = query < 0 ? open.Target : open.Target[..query];
        QueryString = query < 0 ? "" : open.Target[query..];
        RawTarget = open.Target;
        foreach (var (name, value) in open.Headers)
        {
            // Append would leave out what is empty: an Authorization that is empty is refused, and one that is missing leaves it to the cookie.
            Headers[name] = StringValues.Concat(Headers[name], value);
        }
    }

    public int Id { get; }

    /// <summary>See <see cref="RelayOutput.AppendData"/>.</summary>
    public ref long Frame => ref _frame;

    /// <summary>Runs the request through the service's pipeline and reports its end to the gateway.</summary>
    public async Task RunAsync(IHttpContextFactory contexts, RelayPipeline pipeline, ILogger logger)
    {
        HttpContext? context = null;
        var clean = false;
        try
        {
            // The only path that is relayed.
            if (!string.Equals(Path, EventStreams.Path, StringComparison.Ordinal))
            {
                StatusCode = StatusCodes.Status404NotFound;
            }
            else
            {
                context = contexts.Create(CreateFeatures());
                await pipeline.RunAsync(context);
            }

            await CompleteAsync();
            clean = true;
        }
        catch (Exception exception) when (_aborted.IsCancellationRequested && exception is OperationCanceledException or IOException)
        {
            // The client left, or its gateway did.
        }
#pragma warning disable CA1031 // What a server does with whatever a request throws: it ends this one, and goes on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogFailed(logger, exception);
            if (!HasStarted)
            {
                StatusCode = StatusCodes.Status500InternalServerError;
                ResponseHeaders.Clear();
                clean = true;
                SendHead();
            }
        }
        finally
        {
            await CompleteCallbacksAsync(logger);
            if (context is not null)
            {
                contexts.Dispose(context);
            }

            End(clean);
            SetGone();
            _connection.OnCompleted();
        }
    }

    /// <summary>The client left, or must be cut off.</summary>
    public void Abort()
    {
        SetGone();
        _aborted.Cancel();
    }

    public IStreamWriter CreateWriter() => new RelayStreamWriter(this, _connection);

    /// <summary>Completes when the client has taken what the gateway holds; null when it does not wait.</summary>
    public Task<bool>? Ready => Volatile.Read(ref _ready)?.Task;

    public bool IsGone => ReferenceEquals(Volatile.Read(ref _ready), s_gone);

    public void SetBlocked() => Interlocked.CompareExchange(
        ref _ready, new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously), null);

    public void SetReady()
    {
        if (Volatile.Read(ref _ready) is { } ready && !ReferenceEquals(ready, s_gone) && Interlocked.CompareExchange(ref _ready, null, ready) == ready)
        {
            ready.TrySetResult(true);
        }
    }

    /// <summary>Cuts the client off: it does not read.</summary>
    public void Cut()
    {
        End(clean: false);
        Abort();
    }

    private FeatureCollection CreateFeatures()
    {
        var features = new FeatureCollection(9);
        features.Set<IHttpRequestFeature>(this);
        features.Set<IHttpResponseFeature>(this);
        features.Set<IHttpResponseBodyFeature>(this);
        features.Set<IHttpRequestLifetimeFeature>(this);
        features.Set<IHttpConnectionFeature>(this);
        features.Set<IHttpRequestBodyDetectionFeature>(this);
        features.Set<IStreamWriterFeature>(this);
        features.Set(SignedRequest.ForClient);
        return features;
    }

    private void End(bool clean)
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            // Before the gateway can read the end, because it may use the number again at once.
            _connection.Remove(this);
            _connection.AppendEnd(Id, clean);
        }
    }

    private void SetGone()
    {
        if (Interlocked.Exchange(ref _ready, s_gone) is { } ready && !ReferenceEquals(ready, s_gone))
        {
            ready.TrySetResult(false);
        }
    }

    private static TaskCompletionSource<bool> CreateGone()
    {
        var gone = new TaskCompletionSource<bool>();
        gone.SetResult(false);
        return gone;
    }

    [LoggerMessage(LogLevel.Error, "A relayed stream failed.")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
