using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;

namespace SseApp.Events.Relay;

/// <summary>One stream on a relay connection.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The source of RequestAborted has no timer; it holds nothing but memory.")]
internal sealed class RelayServerStream(RelayServerConnection connection, RelayOpen open)
    : RelayServerRequest(connection, open.Id, open.Target, open.Headers), IStreamWriterFeature
{
    // The gateway holds what one write brings beyond what it asked for; nothing else waits there.
    private static readonly TaskCompletionSource<bool> s_gone = CreateGone();

    private TaskCompletionSource<bool>? _ready;
    private RelayedBody? _body;
    private PipeWriter? _writer;
    private long _frame;
    private int _ended;

    public override string Method { get; set; } = HttpMethods.Get;

    public override Stream Body { get; set; } = Stream.Null;

    public override bool CanHaveBody => false;

    public override Stream Stream => _body ??= new RelayedBody(this, Connection.Output);

    public override PipeWriter Writer => _writer ??= PipeWriter.Create(Stream, new StreamPipeWriterOptions(leaveOpen: true));

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
        catch (Exception exception) when (Aborted.IsCancellationRequested && exception is OperationCanceledException or IOException)
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
                Begin();
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
            Connection.OnCompleted();
        }
    }

    /// <summary>The client left, or must be cut off.</summary>
    public override void Abort()
    {
        SetGone();
        Aborted.Cancel();
    }

    public IStreamWriter CreateWriter() => new RelayStreamWriter(this, Connection);

    public override async Task CompleteAsync()
    {
        if (_writer is not null)
        {
            await _writer.FlushAsync();
        }

        await StartAsync();
    }

    protected override void Begin()
    {
        // Not flushed: what follows, the first event or the end, takes it along.
        var headers = HeadersToSend();
        HasStarted = true;
        if (!Connection.Output.Append(RelayFrameType.Head, new RelayHead(Id, StatusCode, headers), static (writer, head) => head.Write(writer)))
        {
            throw new IOException("The head of the response could not be sent; the gateway has disconnected, or the head is too long.");
        }
    }

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
        var features = CreateFeatures(others: 1);
        features.Set<IStreamWriterFeature>(this);
        return features;
    }

    private void End(bool clean)
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            // Before the gateway can read the end, because it may use the number again at once.
            Connection.Remove(this);
            Connection.AppendEnd(Id, clean);
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
}
