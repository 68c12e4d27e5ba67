using System.Diagnostics;
using Microsoft.Net.Http.Headers;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Cluster.Relay;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Descriptors;

namespace SseApp.Gateway.Relay;

/// <summary>The relay connections to one replica, made when they are needed.</summary>
internal sealed class RelayPool(
    string replica, Uri address, RelayOptions options, TimeSpan connectTimeout, DescriptorBudget descriptors, RequestSignature signature, GatewayMetrics metrics, ILogger logger) : IDisposable
{
    // A replica that said no is asked again after this.
    private static readonly TimeSpan s_refusalLasts = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_keepIdle = TimeSpan.FromSeconds(30);

    // Each time only after others got streams; a replica that ends every connection must not keep a request for ever.
    private const int MaxOpenAttempts = 16;
    private const int MaxForRequests = 4;

    private readonly Lock _gate = new();
    private readonly LinkSet _streams = new(options.Connections);

    // Of their own: an answer would wait behind what a busy topic's streams get.
    private readonly LinkSet _requests = new(Math.Min(options.Connections, MaxForRequests));
    private long _refusedAt;
    private bool _disposed;

    public string Replica => replica;

    public Uri Address => address;

    /// <summary>False for a while after the replica refused such a connection.</summary>
    public bool IsOffered => Volatile.Read(ref _refusedAt) is var at && (at == 0 || Stopwatch.GetElapsedTime(at) > s_refusalLasts);

    public IEnumerable<RelayClientConnection> Links
    {
        get
        {
            lock (_gate)
            {
                return [.. _streams.Links.Concat(_requests.Links).Where(link => link is { IsCompletedSuccessfully: true }).Select(link => link!.Result)];
            }
        }
    }

    /// <summary>The next connection in turn that is not full; several callers wait for the same one to be made.</summary>
    /// <exception cref="HttpRequestException">The replica cannot be connected to.</exception>
    /// <exception cref="OperationCanceledException">It did not answer in time.</exception>
    /// <exception cref="RelayRefusedException">It does not take such connections.</exception>
    private Task<RelayClientConnection> GetAsync(HttpMessageInvoker client, LinkSet set)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            for (var i = 0; i < set.Links.Length; i++)
            {
                ref var link = ref set.Next();
                if (IsOver(link))
                {
                    if (descriptors.IsTight && Array.Exists(set.Links, other => !IsOver(other) && !IsFull(other!)))
                    {
                        // What one connection carries, two would not carry better without a descriptor for the client.
                        continue;
                    }

                    link = ConnectAsync(client);
                }

                if (!IsFull(link!))
                {
                    return link!;
                }
            }

            if (set.Links.Length >= RelayOptions.MaxConnections)
            {
                throw new RelayRefusedException($"All {set.Links.Length} relay connections to it are full; raise Relay:MaxStreamsPerConnection there.");
            }

            set.Links = [.. set.Links, ConnectAsync(client)];
            return set.Links[^1]!;
        }
    }

    /// <summary>Opens a stream on one of the connections.</summary>
    /// <exception cref="IOException">The connection ended as soon as it was made.</exception>
    public async Task<(RelayClientConnection Link, RelayClientStream Stream)> OpenAsync(
        HttpMessageInvoker client, string target, IReadOnlyCollection<KeyValuePair<string, string>> headers, bool counts, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxOpenAttempts; attempt++)
        {
            var link = await GetAsync(client, _streams).WaitAsync(cancellationToken);
            if (link.Open(target, headers, counts) is { } stream)
            {
                return (link, stream);
            }

            // Others were faster and filled it, or it was idle and ended in this moment.
        }

        throw new IOException("The relay connection is over.");
    }

    /// <summary>A connection for a short request, made if there is none. Maybe it takes none now.</summary>
    /// <inheritdoc cref="GetAsync(HttpMessageInvoker, LinkSet)"/>
    public async ValueTask<RelayClientConnection> FindAsync(HttpMessageInvoker client, CancellationToken cancellationToken)
    {
        try
        {
            for (var attempt = 0; attempt < MaxOpenAttempts; attempt++)
            {
                var link = await GetAsync(client, _requests).WaitAsync(cancellationToken);
                if (link.IsOpen)
                {
                    return link;
                }
            }

            throw new IOException("The relay connection is over.");
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or HttpRequestException { HttpRequestError: not HttpRequestError.ConnectionError })
        {
            // It was the request for the connection that failed; another replica can have this one.
            throw new HttpRequestException(HttpRequestError.ConnectionError, exception.Message, exception);
        }
    }

    /// <summary>Looks after the connections, and ends those that nobody uses.</summary>
    public void Tick()
    {
        foreach (var link in Links)
        {
            link.EndIfIdle(s_keepIdle);
            if (link.IsOpen)
            {
                link.Tick();
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
        }

        foreach (var link in Links)
        {
            link.Dispose();
        }
    }

    private static bool IsOver(Task<RelayClientConnection>? link) =>
        link is null or { IsFaulted: true } or { IsCanceled: true } or { IsCompletedSuccessfully: true, Result.IsOpen: false };

    private static bool IsFull(Task<RelayClientConnection> link) => link is { IsCompletedSuccessfully: true, Result.IsFull: true };

    private async Task<RelayClientConnection> ConnectAsync(HttpMessageInvoker client)
    {
        using var limit = new CancellationTokenSource(connectTimeout);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, RelayProtocol.Path.TrimStart('/')))
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.TryAddWithoutValidation(HeaderNames.Connection, "Upgrade");
        request.Headers.TryAddWithoutValidation(HeaderNames.Upgrade, RelayProtocol.Upgrade);
        request.Headers.TryAddWithoutValidation(RelayProtocol.MaxRequestsHeader, "1");
        signature.Sign(request, replica, RequestPurpose.Relay);
        HttpResponseMessage answer;
        try
        {
            answer = await client.SendAsync(request, limit.Token);
        }
        catch (OperationCanceledException exception) when (limit.IsCancellationRequested)
        {
            // The same as for a connection that cannot be made in time: nothing was sent that another replica must not get.
            throw new OperationCanceledException(exception.Message, new TimeoutException($"Replica {replica} did not take a relay connection within {connectTimeout}."));
        }

        if (answer.StatusCode != HttpStatusCode.SwitchingProtocols)
        {
            answer.Dispose();
            Volatile.Write(ref _refusedAt, Stopwatch.GetTimestamp());
            throw new RelayRefusedException($"Replica {replica} answered {(int)answer.StatusCode} to a relay connection.");
        }

        var link = new RelayClientConnection(
            await answer.Content.ReadAsStreamAsync(CancellationToken.None),
            replica,
            Number(answer, RelayProtocol.MaxStreamsHeader) ?? int.MaxValue,
            Number(answer, RelayProtocol.MaxRequestsHeader) ?? 0,
            options,
            metrics,
            logger);
        if (Volatile.Read(ref _disposed))
        {
            link.Dispose();
        }

        return link;
    }

    /// <summary>Connections in turn.</summary>
    private sealed class LinkSet(int count)
    {
        private uint _next;

        public Task<RelayClientConnection>?[] Links { get; set; } = new Task<RelayClientConnection>?[count];

        public ref Task<RelayClientConnection>? Next() => ref Links[_next++ % (uint)Links.Length];
    }

    private static int? Number(HttpResponseMessage answer, string header) =>
        answer.Headers.TryGetValues(header, out var values) && int.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>A replica does not take relay connections, whatever the registry says of it; something between may be in the way.</summary>
internal sealed class RelayRefusedException(string message) : Exception(message);
