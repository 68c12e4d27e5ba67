using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;

namespace SseApp.Events.Relay;

/// <content>The request and the response as the pipeline sees them.</content>
internal sealed partial class RelayServerRequest
{
    private List<(Func<object, Task> Callback, object State)>? _starting;
    private List<(Func<object, Task> Callback, object State)>? _completed;
    private RelayedBody? _body;
    private PipeWriter? _writer;

    public string Protocol { get; set; } = HttpProtocol.Http11;

    public string Scheme { get; set; } = "http";

    public string Method { get; set; } = HttpMethods.Get;

    public string PathBase { get; set; } = "";

    public string Path { get; set; }

    public string QueryString { get; set; }

    public string RawTarget { get; set; }

    public IHeaderDictionary Headers { get; set; } = new HeaderDictionary();

    Stream IHttpRequestFeature.Body { get; set; } = Stream.Null;

    public bool CanHaveBody => false;

    public int StatusCode { get; set; } = StatusCodes.Status200OK;

    public string? ReasonPhrase { get; set; }

    IHeaderDictionary IHttpResponseFeature.Headers
    {
        get => ResponseHeaders;
        set => ResponseHeaders = value;
    }

    private IHeaderDictionary ResponseHeaders { get; set; } = new HeaderDictionary();

    [SuppressMessage("Design", "CA1033", Justification = "The interface's member is obsolete; nobody in this program uses it.")]
    Stream IHttpResponseFeature.Body
    {
        get => Stream;
        set => throw new NotSupportedException("The body of a relayed response is replaced through IHttpResponseBodyFeature.");
    }

    public bool HasStarted { get; private set; }

    public Stream Stream => _body ??= new RelayedBody(this, _connection.Output);

    public PipeWriter Writer => _writer ??= PipeWriter.Create(Stream, new StreamPipeWriterOptions(leaveOpen: true));

    public CancellationToken RequestAborted
    {
        get => _aborted.Token;
        set => throw new NotSupportedException("The lifetime of a relayed request is replaced as a feature.");
    }

    public string ConnectionId
    {
        get => string.Create(CultureInfo.InvariantCulture, $"{_connection.Carrier.Connection.Id}:{Id}");
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

            SendHead();
        }
    }

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken);

    public async Task CompleteAsync()
    {
        if (_writer is not null)
        {
            await _writer.FlushAsync();
        }

        await StartAsync();
    }

    private void SendHead()
    {
        // Not flushed: what follows, the first event or the end, takes it along.
        KeyValuePair<string, string>[] headers =
            [.. ResponseHeaders.SelectMany(header => header.Value, (header, value) => KeyValuePair.Create(header.Key, value ?? ""))];
        if (!RelayHeaders.AreValid(headers))
        {
            // As a server does: in the frame, it would end the connection and all streams on it.
            throw new InvalidOperationException("The response has a header with characters that no header may have.");
        }

        HasStarted = true;
        if (!_connection.Output.Append(RelayFrameType.Head, new RelayHead(Id, StatusCode, headers), static (writer, head) => head.Write(writer)))
        {
            throw new IOException("The head of the response could not be sent; the gateway has disconnected, or the head is too long.");
        }
    }

    private async Task CompleteCallbacksAsync(ILogger logger)
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
}
