using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>
/// Kestrel's sockets, but no client is accepted that there is no descriptor for: it waits in the system's queue, as with
/// nginx, until another one left or an idle connection was closed. Without this the server's loop would call accept, be told
/// that there are too many open files, and call it again at once, for as long as that lasts. Whoever may have no further
/// connection (<see cref="ConnectionAdmission"/>) is closed here, before TLS and whatever else a connection costs.
/// </summary>
internal sealed class DescriptorListenerFactory(
    SocketTransportFactory sockets, DescriptorBudget budget, ConnectionAdmission admission, IEnumerable<AcceptGate> gates, TimeProvider time)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => sockets.CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await sockets.BindAsync(endpoint, cancellationToken), budget, admission, gates.SingleOrDefault(), time);

    private sealed class Listener(IConnectionListener inner, DescriptorBudget budget, ConnectionAdmission admission, AcceptGate? gate, TimeProvider time) : IConnectionListener
    {
        private const int PollsOfProbe = 5;

        // While thousands connect at once, the system's queue always has another one; taken all together, they would stand before
        // whatever else the process has to do, and every publish would wait for all of them.
        private const int AcceptedTogether = 32;
        private const int MaxPending = 256;

        private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);

        private readonly CancellationTokenSource _unbound = new();
        private int _accepted;

        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (true)
            {
                // Ten a second are accepted after all: among them are those who want to know how the process is.
                for (var polls = 0; !_unbound.IsCancellationRequested && !budget.HasRoomForConnection && (polls < PollsOfProbe || !budget.HasRoomForProbe); polls++)
                {
                    budget.EndIdleConnections();
                    await Task.Delay(s_poll, time, _unbound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }

                if (++_accepted % AcceptedTogether == 0 && ThreadPool.PendingWorkItemCount > MaxPending)
                {
                    await Task.Yield();
                }

                if (gate is not null && _accepted % AcceptGate.Together == 0)
                {
                    await gate.WaitAsync(_unbound.Token);
                }

                var connection = await inner.AcceptAsync(cancellationToken);
                if (connection is null || admission.TryAdmit(connection))
                {
                    return connection;
                }
            }
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _unbound.CancelAsync();
            await inner.UnbindAsync(cancellationToken);
        }

        public async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            _unbound.Dispose();
        }
    }
}
