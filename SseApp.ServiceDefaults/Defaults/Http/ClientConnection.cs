using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// A client that has said all that it will say, and waits for its answer (<c>shutdown(SHUT_WR)</c>), looks like one that has
/// left: both send a FIN. Kestrel takes every FIN for the second and aborts the request. Here the request goes on, and where the
/// client had left after all, what is sent to it is answered with a reset, which is looked for every second. A stream may send
/// nothing until its next heartbeat, so there a FIN after the first byte still ends it at once; one before that byte does not.
/// </summary>
internal sealed class ClientConnection : IDuplexPipe, IDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromSeconds(1);

    // Linux: netinet/tcp.h and net/tcp_states.h.
    private const int TcpInfo = 11;
    private const int TcpUserTimeout = 18;
    private const int BytesReceivedOffset = 128;
    private const int Established = 1;
    private const int Closed = 7;
    private const int CloseWait = 8;

    private readonly ConnectionContext _connection;
    private readonly ClientConnection? _outer;
    private readonly IFirstAnswer? _first;
    private readonly UnfinishedInput _input;
    private readonly TimeProvider _time;
    private readonly SendLimit? _limit;
    private readonly Lock _sending = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenRegistration _closing;
    private volatile bool _requested;
    private volatile bool _answering;
    private volatile bool _stream;
    private volatile bool _finFirst;
    private volatile bool _multiplexed;
    private volatile bool _over;
    private volatile bool _linger;
    private int _open;
    private bool _patient;
    private bool _stalled;

    private ClientConnection(ConnectionContext connection, TimeProvider time, SendLimit? limit, FrameCount? frames)
    {
        _connection = connection;
        _time = time;
        // Around TLS there is another one, which sees the FIN first.
        _outer = connection.Features.Get<ClientConnection>();
        if (_outer is null && limit is not null)
        {
            _limit = limit;
            Demand(limit.Timeout);
        }

        _first = connection.Features.Get<IFirstAnswer>();
        var transport = connection.Transport;
        _input = new UnfinishedInput(transport.Input, _limit is null ? null : this, frames is null ? null : new FrameReader(frames));
        connection.Features.Get<ConnectionBegin>()?.ReadFrom(_input);
        Output = Refusal = new RefusalOutput(transport.Output, this);
        var closed = connection.ConnectionClosed;
        connection.ConnectionClosed = _closed.Token;
        connection.Transport = this;
        connection.Features.Set(this);
        _closing = closed.UnsafeRegister(static state => ((ClientConnection)state!).OnFin(), this);
    }

    public PipeReader Input => _input;

    /// <summary>The client said no more within the body of its request.</summary>
    public bool IsBodyBroken => _input.IsBroken;

    /// <summary>The request itself has a header of the name under which the server keeps a length.</summary>
    public bool SentKeptLength => _input.HasKeptLength;

    public PipeWriter Output { get; }

    public RefusalOutput Refusal { get; }

    // Null where the system does not say what is asked of it, or is not TCP.
    private Socket? Socket => AnySocket is { ProtocolType: ProtocolType.Tcp } socket ? socket : null;

    private Socket? AnySocket => OperatingSystem.IsLinux() ? _connection.Features.Get<IConnectionSocketFeature>()?.Socket : null;

    public static ConnectionDelegate Middleware(ConnectionDelegate next, TimeProvider time, SendLimit? limit, FrameCount? frames, UnreadBodyPace? pace) => async connection =>
    {
        var transport = connection.Transport;
        using var client = new ClientConnection(connection, time, limit, frames);
        try
        {
            await next(connection);
            if (client.LastWord() is { } answer)
            {
                await transport.Output.WriteAsync(answer);
            }

            if (client._linger && pace is not null)
            {
                await client.LingerAsync(transport.Input, pace);
            }
        }
        finally
        {
            client._over = true;
            if (client._outer is not null && !await client.Refusal.FlushedAsync(time))
            {
                connection.Abort(new ConnectionAbortedException("The client does not take the last that it is sent."));
            }

            connection.Transport = transport;
        }
    };

    /// <summary>
    /// Bytes that have come, if the server has been shown them all: it waits for the client. Null while there are more, which a
    /// process under load may take seconds to read, and where the system does not say.
    /// </summary>
    public long? ReceivedAndRead()
    {
        if (_outer is not null)
        {
            return _outer.ReceivedAndRead();
        }

        Span<byte> info = stackalloc byte[BytesReceivedOffset + sizeof(long)];
        var read = _input.Received;
        return ReadTcpInfo(info) == info.Length && BitConverter.ToInt64(info[BytesReceivedOffset..]) is var received && received <= read ? received : null;
    }

    /// <summary>The pipeline begins with a request; no byte of its answer has been sent.</summary>
    public void BeginRequest(HttpRequest request)
    {
        var multiplexed = HttpProtocol.IsHttp2(request.Protocol);
        BeginRequest(multiplexed);
        if (!multiplexed)
        {
            _input.BeginBody(request.ContentLength ?? (request.Headers.TransferEncoding.Count > 0 ? long.MaxValue : 0));
        }
    }

    private void BeginRequest(bool multiplexed)
    {
        _outer?.BeginRequest(multiplexed);
        if (_limit is not null)
        {
            Interlocked.Increment(ref _open);
        }

        _answering = _stream = _finFirst = false;
        _requested = true;
        if (multiplexed)
        {
            // A client of HTTP/2 that has no more to say cannot take anything either.
            _multiplexed = true;
            CloseIfFinished();
        }
    }

    public void EndRequest()
    {
        _outer?.EndRequest();
        _input.EndBody();
        _requested = false;
        if (_limit is not null && Interlocked.Decrement(ref _open) == 0)
        {
            Demand();
        }
    }

    /// <summary>The answer that will begin is a stream.</summary>
    public void ExpectStream()
    {
        _outer?.ExpectStream();
        _stream = true;
        if (_limit is not null)
        {
            lock (_sending)
            {
                _patient = true;
                Demand(TimeSpan.Zero);
            }
        }
    }

    /// <summary>
    /// Goes on reading, for a few seconds, when the server has ended the connection: a client that still sends would be reset, and lose the
    /// answer that it has not read yet (RFC 9112, 9.6).
    /// </summary>
    public void Linger() => _linger = true;

    public void OnSent()
    {
        _first?.OnFirstAnswer();
        _input.HasKeptLength = false;
        if (!_answering)
        {
            _finFirst = _stream && State() == CloseWait;
            _answering = true;
        }
    }

    /// <summary>What the server owes the client when it ends the connection over a head that it cannot handle; null: nothing.</summary>
    private byte[]? LastWord() => _input.HasKeptLength && !_requested && !_multiplexed ? ServerRefusals.Problem(StatusCodes.Status400BadRequest, BareAnswers.TwoEnds, _time.GetUtcNow()) : null;

    /// <summary>The client takes nothing more.</summary>
    public void OnGone() => Close();

    /// <summary>The connection has ended while there was something that its client did not take.</summary>
    /// <param name="waited">For how long.</param>
    /// <param name="exception">What it ended with; the system has a word of its own for its time.</param>
    public void OnUntaken(TimeSpan waited, Exception? exception = null)
    {
        // Of two who wait for the socket, one is told that it was the time. Who waits here may have begun a little later than the system.
        if (_limit is not null
            && (waited >= _limit.Timeout / 2 || exception?.GetBaseException() is SocketException { SocketErrorCode: SocketError.TimedOut })
            && !Volatile.Read(ref _patient)
            && !Interlocked.Exchange(ref _stalled, true))
        {
            _limit.Ended();
        }
    }

    public void Dispose()
    {
        _over = true;
        _closing.Dispose();
    }

    private void OnFin()
    {
        var state = State();
        if (_multiplexed || state == Closed || (state == CloseWait && _requested && _answering && _stream && !_finFirst))
        {
            Close();
        }
        else if (state == CloseWait)
        {
            _ = WatchAsync();
        }

        // Otherwise this side has ended the connection too: what is on its way must arrive.
    }

    private void CloseIfFinished()
    {
        if (_closing.Token.IsCancellationRequested)
        {
            Close();
        }
    }

    private async Task WatchAsync()
    {
        do
        {
            await Task.Delay(s_poll, _time, CancellationToken.None);
        }
        while (!_over && State() == CloseWait);

        if (State() == Closed)
        {
            Close();
        }
    }

    private async Task LingerAsync(PipeReader input, UnreadBodyPace pace)
    {
        try
        {
            await pace.DiscardAsync(input, _input.Body is > 0 and var left ? left : long.MaxValue, _closed.Token);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The client has left.
        }
    }

    // Of the TCP connection, and the same of a Unix socket; one that has none of these is over for us when its client has no more to say.
    private int State()
    {
        if (AnySocket is { AddressFamily: AddressFamily.Unix } local)
        {
            return StateOf(local);
        }

        Span<byte> state = stackalloc byte[1];
        return ReadTcpInfo(state) == 1 ? state[0] : Closed;
    }

    private static int StateOf(Socket local)
    {
        try
        {
            return PeerEnd.Of(local) switch
            {
                { Closed: true } => Closed,
                { HalfClosed: true } => CloseWait,
                _ => Established,
            };
        }
        catch (ObjectDisposedException)
        {
            return Closed;
        }
    }

    private int ReadTcpInfo(Span<byte> info)
    {
        if (Socket is not { } socket)
        {
            return 0;
        }

        try
        {
            return socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, TcpInfo, info);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return 0;
        }
    }

    // Streams have rules of their own about clients that do not read (Streaming:Overflow).
    private void Demand()
    {
        lock (_sending)
        {
            if (_patient && Volatile.Read(ref _open) == 0)
            {
                _patient = false;
                Demand(_limit!.Timeout);
            }
        }
    }

    private void Demand(TimeSpan timeout)
    {
        // A client that went has closed it: an exception for each was a fifth of what their ends cost.
        if (_closed.IsCancellationRequested || Socket is not { } socket)
        {
            return;
        }

        try
        {
            socket.SetRawSocketOption((int)SocketOptionLevel.Tcp, TcpUserTimeout, BitConverter.GetBytes((int)timeout.TotalMilliseconds));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    private void Close()
    {
        if (!_closed.IsCancellationRequested)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static closed => closed.Cancel(), _closed, preferLocal: false);
        }
    }
}

internal static class ClientConnectionExtensions
{
    /// <summary>Lets a client half-close its connection, and the service answer what the server refuses; after TLS, if the endpoint has it.</summary>
    public static void UseClientConnection(this ListenOptions endpoint)
    {
        var time = endpoint.ApplicationServices.GetRequiredService<TimeProvider>();
        var limit = endpoint.ApplicationServices.GetService<SendLimit>();
        var frames = endpoint.ApplicationServices.GetService<FrameCount>();
        var pace = endpoint.ApplicationServices.GetService<UnreadBodyPace>();
        endpoint.Use(next => ClientConnection.Middleware(next, time, limit, frames, pace));
    }
}
