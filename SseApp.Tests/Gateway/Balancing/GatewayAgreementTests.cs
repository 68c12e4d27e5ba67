using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Placement;

namespace SseApp.Tests.Gateway.Balancing;

/// <summary>Two gateways that know the same replicas and have the same reports, by docs/balancing.md: each makes the same choice for the same client.</summary>
public sealed class GatewayAgreementTests
{
    private const double Factor = 1.25;

    private static readonly Gen<(string[] Ids, int[] Weights, int Seed)> s_replicas =
        from ids in Gen.String[Gen.Char.AlphaNumeric, 1, 12].HashSet[2, 8]
        from weights in Gen.Int[1, 8].Array[ids.Count]
        from seed in Gen.Int[0, 1_000_000]
        select (ids.ToArray(), weights, seed);

    [Fact]
    public void Whichever_gateway_a_client_comes_to_it_gets_the_same_replica_and_no_replica_more_than_its_bound() =>
        Gen.Select(s_replicas, Gen.Int[1, 40], Gen.Bool.Array[120]).Sample(
            (replicas, addresses, through) =>
            {
                var (ids, weights, seed) = replicas;
                var held = ids.ToDictionary(id => id, _ => 0, StringComparer.Ordinal);
                // They list the replicas in different orders.
                using var first = new Gateway(ids.Zip(weights));
                using var second = new Gateway(ids.Zip(weights).Reverse());
                for (var client = 0; client < through.Length; client++)
                {
                    var records = ids.Zip(weights, (id, weight) => Record(id, weight, held[id])).ToArray();
                    first.Take(records);
                    second.Take(records);
                    var key = BoundedRendezvous.Hash($"{seed}/{client % addresses}");

                    // Both are asked; one of them keeps the stream.
                    var chosen = first.Pick(key, keep: through[client]);
                    Assert.Equal(chosen, second.Pick(key, keep: !through[client]));
                    held[chosen]++;
                    var weight = weights[Array.IndexOf(ids, chosen)];
                    Assert.True(
                        held[chosen] <= Math.Ceiling(Factor * (client + 1) * weight / weights.Sum()),
                        $"{chosen} of weight {weight} in {weights.Sum()} holds {held[chosen]} of {client + 1} streams.");
                }
            },
            iter: 60);

    private static ReplicaRecord Record(string id, int weight, int connections) =>
        new() { Id = id, Address = new Uri("http://192.0.2.1"), State = ReplicaState.Ready, Weight = weight, Connections = connections };

    private sealed class Gateway : IDisposable
    {
        private readonly ReplicaDirectory _directory = new(Options.Create(new ReplicaRegistryOptions()), TimeProvider.System);
        private readonly DestinationState[] _destinations;
        private readonly LoadLedger _ledger;

        public Gateway(IEnumerable<(string Id, int Weight)> replicas)
        {
            _destinations = Destinations.Of([.. replicas]);
            _ledger = new LoadLedger(_directory);
        }

        public void Take(ReplicaRecord[] records) => Assert.True(_directory.TryReplace(records, _directory.Announcements));

        public string Pick(ulong key, bool keep)
        {
            var context = Destinations.StreamRequest();
            var chosen = _ledger.PickByHash(context, ReplicaDirectory.ClusterId, _destinations, key, Factor).DestinationId;
            if (!keep)
            {
                _ledger.End(context.Features.Get<CountedPick>()!);
            }

            return chosen;
        }

        public void Dispose() => _ledger.Dispose();
    }
}
