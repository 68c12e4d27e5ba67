using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;

namespace SseApp.Events.Relay;

/// <summary>A short request on a relay connection: its body came with it, and its answer goes back whole.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The source of RequestAborted has no timer; it holds nothing but memory.")]
internal sealed class RelayServerExchange : RelayServerRequest, IRequestBodyPipeFeature, IHttpMaxRequestBodySizeFeature
{
    private readonly AnswerWriter _answer;
    private Stream? _stream;
    private Stream? _body;

    public RelayServerExchange(RelayServerConnection connection, RelayRequest request)
        : base(connection, request.Id, request.Target, request.Headers)
    {
        Reader = PipeReader.Create(new ReadOnlySequence<byte>(request.Body));
        Headers.ContentLength = request.Body.Length;
        _answer = new AnswerWriter(this);
    }

    public override string Method { get; set; } = HttpMethods.Post;

    public PipeReader Reader { get; }

    public override Stream Body
    {
        get => _body ??= Reader.AsStream(leaveOpen: true);
        set => _body = value;
    }

    public override bool CanHaveBody => true;

    // Nobody needs one where the body has come; routing says so in the log if an endpoint's cannot be set.
    public bool IsReadOnly => false;

    public long? MaxRequestBodySize { get; set; }

    public override Stream Stream => _stream ??= _answer.AsStream(leaveOpen: true);

    public override PipeWriter Writer => _answer;

    /// <summary>Runs the request through the service, as its server runs one of its own, and answers.</summary>
    public async Task RunAsync(RelayedApplication application, ILogger logger)
    {
        try
        {
            if (!PublishRequests.IsPath(Path))
            {
                // Nothing else is relayed.
                StatusCode = StatusCodes.Status404NotFound;
                Answer(failed: null, logger);
                return;
            }

            var features = CreateFeatures(others: 2);
            features.Set<IRequestBodyPipeFeature>(this);
            features.Set<IHttpMaxRequestBodySizeFeature>(this);
            await application.RunAsync(features, this, logger);
        }
#pragma warning disable CA1031 // What a server does with whatever a request throws: it ends this one, and goes on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogFailed(logger, exception);
        }
        finally
        {
            Connection.OnCompleted();
        }
    }

    public override void Abort() => Aborted.Cancel();

    public override Task CompleteAsync() => StartAsync();

    /// <summary>Answers with what the service has made of it.</summary>
    /// <param name="failed">What the service threw.</param>
    /// <param name="logger">Says so.</param>
    public void Answer(Exception? failed, ILogger logger)
    {
        if (failed is not null && !(Aborted.IsCancellationRequested && failed is OperationCanceledException or IOException))
        {
            LogFailed(logger, failed);
        }

        var answer = failed is null && TryGetHeaders(logger) is { } headers
            ? new RelayAnswer(Id, StatusCode, headers, _answer.Written)
            : new RelayAnswer(Id, StatusCodes.Status500InternalServerError, [], default);
        Connection.Answer(answer);
    }

    public Task EndAsync(ILogger logger) => CompleteCallbacksAsync(logger);

    protected override void Begin() => HasStarted = true;

    private List<KeyValuePair<string, string>>? TryGetHeaders(ILogger logger)
    {
        try
        {
            return HeadersToSend();
        }
        catch (InvalidOperationException exception)
        {
            LogFailed(logger, exception);
            return null;
        }
    }

    /// <summary>The body of the answer, in memory: what answers such requests is short.</summary>
    private sealed class AnswerWriter(RelayServerExchange exchange) : PipeWriter
    {
        private const int Usual = 256;

        private ArrayBufferWriter<byte>? _bytes;

        public ReadOnlyMemory<byte> Written => _bytes?.WrittenMemory ?? default;

        public override bool CanGetUnflushedBytes => true;

        public override long UnflushedBytes => 0;

        private ArrayBufferWriter<byte> Bytes => _bytes ??= new ArrayBufferWriter<byte>(Usual);

        public override void Advance(int bytes) => Bytes.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => Bytes.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => Bytes.GetSpan(sizeHint);

        public override void CancelPendingFlush()
        {
            // None waits.
        }

        public override void Complete(Exception? exception = null)
        {
            // The answer is whole when the service is done with the request.
        }

        public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            await exchange.StartAsync(cancellationToken);
            return default;
        }
    }
}
