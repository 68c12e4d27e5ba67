using System.Runtime.InteropServices;

namespace SseApp.Bench.Generator;

/// <summary>
/// The calls of OpenSSL, the library behind the platform's own TLS, that clients on sockets of the event loop need: <c>SslStream</c> would put a task
/// and buffers of its own before each of ten thousand. A context belongs to one server, whose tickets it keeps; each is used once, as clients do.
/// </summary>
internal sealed unsafe partial class OpenSsl
{
    private const string Library = "libssl.so.3";
    private const string Crypto = "libcrypto.so.3";

    // No server may choose a cheaper one than the others.
    private const string Cipher = "TLS_AES_128_GCM_SHA256";
    private const int Version13 = 0x0304;
    private const int MinVersion = 123;
    private const int SetMode = 33;
    private const int SetCacheMode = 44;
    private const int PartialWrites = 1 | 2;
    private const int ReleaseBuffers = 0x10;
    private const int CacheOfClients = 1 | 0x300;
    private const int WantRead = 2;
    private const int WantWrite = 3;
    private const int ClosedByPeer = 6;
    private const int EndedByBoth = 3;
    private const int LongestRecord = 17 * 1024;

    private static readonly Dictionary<nint, OpenSsl> s_all = [];

    private readonly nint _context;
    private readonly Queue<nint> _tickets = new();

    /// <exception cref="BenchException">The library is not there, or too old.</exception>
    public OpenSsl()
    {
        try
        {
            _context = SSL_CTX_new(TLS_client_method());
        }
        catch (DllNotFoundException exception)
        {
            throw new BenchException("The generator speaks TLS through OpenSSL 3 (apt-get install libssl3).", exception);
        }

        SSL_CTX_ctrl(_context, MinVersion, Version13, 0);
        SSL_CTX_ctrl(_context, SetMode, PartialWrites | ReleaseBuffers, 0);
        SSL_CTX_ctrl(_context, SetCacheMode, CacheOfClients, 0);
        SSL_CTX_set_ciphersuites(_context, Encoding.ASCII.GetBytes(Cipher + "\0"));
        SSL_CTX_sess_set_new_cb(_context, &OnTicket);
        s_all[_context] = this;
    }

    /// <summary>Handshakes that were done, and how many of them resumed an earlier connection.</summary>
    public (long All, long Resumed) Handshakes { get; private set; }

    /// <summary>A client on a socket that is connected.</summary>
    /// <param name="fd">The socket.</param>
    /// <param name="http2">What it offers to speak.</param>
    public nint Begin(int fd, bool http2)
    {
        var ssl = SSL_new(_context);
        _ = SSL_set_fd(ssl, fd);
        ReadOnlySpan<byte> protocol = http2 ? "\u0002h2"u8 : "\u0008http/1.1"u8;
        _ = SSL_set_alpn_protos(ssl, protocol, (uint)protocol.Length);
        if (_tickets.TryDequeue(out var ticket))
        {
            _ = SSL_set_session(ssl, ticket);
            SSL_SESSION_free(ticket);
        }

        SSL_set_connect_state(ssl);
        return ssl;
    }

    /// <returns>1 when it is done; else what to wait for: -1 bytes, -2 room, or 0: it failed.</returns>
    public int Shake(nint ssl)
    {
        ERR_clear_error();
        var result = SSL_do_handshake(ssl);
        if (result == 1)
        {
            Handshakes = (Handshakes.All + 1, Handshakes.Resumed + SSL_session_reused(ssl));
            return 1;
        }

        return SSL_get_error(ssl, result) switch { WantRead => -1, WantWrite => -2, _ => 0 };
    }

    /// <returns>As <see cref="Libc.Receive"/>; as many records as are there and fit.</returns>
    public static int Receive(nint ssl, Span<byte> buffer)
    {
        ERR_clear_error();
        var total = 0;
        while (buffer.Length - total >= LongestRecord)
        {
            int count;
            fixed (byte* pointer = buffer[total..])
            {
                count = SSL_read(ssl, pointer, buffer.Length - total);
            }

            if (count <= 0)
            {
                return total > 0 ? total : Failure(ssl, count);
            }

            total += count;
        }

        return total;
    }

    /// <returns>As <see cref="Libc.Send"/>.</returns>
    public static int Send(nint ssl, ReadOnlySpan<byte> bytes)
    {
        ERR_clear_error();
        fixed (byte* pointer = bytes)
        {
            var count = SSL_write(ssl, pointer, bytes.Length);
            return count > 0 ? count : Failure(ssl, count);
        }
    }

    public static void Free(nint ssl)
    {
        // As if both had said that they end: the ticket of a connection that breaks off would not be used again.
        SSL_set_shutdown(ssl, EndedByBoth);
        SSL_free(ssl);
    }

    private static int Failure(nint ssl, int count) =>
        SSL_get_error(ssl, count) switch { WantRead or WantWrite => -1, ClosedByPeer => 0, _ => -2 };

    [UnmanagedCallersOnly]
    private static int OnTicket(nint ssl, nint ticket)
    {
        s_all[SSL_get_SSL_CTX(ssl)]._tickets.Enqueue(ticket);
        // It is ours now.
        return 1;
    }

    [LibraryImport(Library)]
    private static partial nint TLS_client_method();

    [LibraryImport(Library)]
    private static partial nint SSL_CTX_new(nint method);

    [LibraryImport(Library)]
    private static partial long SSL_CTX_ctrl(nint context, int command, long number, nint pointer);

    [LibraryImport(Library)]
    private static partial int SSL_CTX_set_ciphersuites(nint context, ReadOnlySpan<byte> names);

    [LibraryImport(Library)]
    private static partial void SSL_CTX_sess_set_new_cb(nint context, delegate* unmanaged<nint, nint, int> callback);

    [LibraryImport(Library)]
    private static partial nint SSL_new(nint context);

    [LibraryImport(Library)]
    private static partial int SSL_set_fd(nint ssl, int fd);

    [LibraryImport(Library)]
    private static partial int SSL_set_alpn_protos(nint ssl, ReadOnlySpan<byte> protocols, uint length);

    [LibraryImport(Library)]
    private static partial int SSL_set_session(nint ssl, nint session);

    [LibraryImport(Library)]
    private static partial void SSL_SESSION_free(nint session);

    [LibraryImport(Library)]
    private static partial void SSL_set_connect_state(nint ssl);

    [LibraryImport(Library)]
    private static partial int SSL_do_handshake(nint ssl);

    [LibraryImport(Library)]
    private static partial int SSL_session_reused(nint ssl);

    [LibraryImport(Library)]
    private static partial nint SSL_get_SSL_CTX(nint ssl);

    [LibraryImport(Library)]
    private static partial int SSL_read(nint ssl, byte* buffer, int length);

    [LibraryImport(Library)]
    private static partial int SSL_write(nint ssl, byte* buffer, int length);

    [LibraryImport(Library)]
    private static partial int SSL_get_error(nint ssl, int result);

    [LibraryImport(Library)]
    private static partial void SSL_set_shutdown(nint ssl, int mode);

    [LibraryImport(Library)]
    private static partial void SSL_free(nint ssl);

    [LibraryImport(Crypto)]
    private static partial void ERR_clear_error();
}
