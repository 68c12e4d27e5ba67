using SseApp.Gateway.Replicas;

namespace SseApp.Tests.Gateway.Replicas;

public sealed class ReplicaDirectoryTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ReplicaDirectory _directory;

    public ReplicaDirectoryTests() => _directory = new(Options.Create(new ReplicaRegistryOptions()), _time);

    [Fact]
    public void A_read_that_is_older_than_an_announcement_does_not_bring_a_draining_replica_back()
    {
        Assert.True(_directory.TryReplace([Replica("a")], _directory.Announcements));
        var before = _directory.Announcements;
        _directory.Apply(new ReplicaChange("a", Replica("a") with { State = ReplicaState.Draining }));

        Assert.False(_directory.TryReplace([Replica("a")], before));
        Assert.Equal(ReplicaState.Draining, Assert.Single(_directory.Replicas).State);
    }

    [Fact]
    public void A_replica_that_expired_leaves_with_the_next_read()
    {
        _directory.TryReplace([Replica("a"), Replica("b")], 0);
        _directory.TryReplace([Replica("b")], 0);
        Assert.Equal(["b"], Ids());
    }

    [Fact]
    public void After_an_outage_the_known_replicas_stay_for_the_expiry_and_not_longer()
    {
        _directory.TryReplace([Replica("a"), Replica("b")], 0);
        _directory.ReadFailed();
        _time.Advance(TimeSpan.FromMinutes(10));
        _directory.TryReplace([Replica("b")], 0);
        Assert.Equal(["a", "b"], Ids());

        _time.Advance(TimeSpan.FromSeconds(4.9));
        _directory.TryReplace([Replica("b")], 0);
        Assert.Equal(["a", "b"], Ids());

        _time.Advance(TimeSpan.FromSeconds(0.2));
        _directory.TryReplace([Replica("b")], 0);
        Assert.Equal(["b"], Ids());
    }

    [Fact]
    public void An_outage_is_settled_when_every_replica_had_its_time_to_register()
    {
        Assert.False(_directory.IsRegistryUnsettled);
        _directory.ReadFailed();
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.True(_directory.IsRegistryUnsettled);

        _directory.TryReplace([Replica("a")], 0);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.True(_directory.IsRegistryUnsettled);

        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.False(_directory.IsRegistryUnsettled);
    }

    [Fact]
    public void A_registry_that_was_emptied_is_believed_after_the_expiry()
    {
        _directory.TryReplace([Replica("a")], 0);
        _directory.TryReplace([], 0);
        Assert.Equal(["a"], Ids());

        _time.Advance(TimeSpan.FromSeconds(5));
        _directory.TryReplace([], 0);
        Assert.Empty(_directory.Replicas);
    }

    [Fact]
    public void A_replica_that_takes_itself_out_is_gone_even_while_others_are_held()
    {
        _directory.TryReplace([Replica("a"), Replica("b")], 0);
        _directory.ReadFailed();
        _directory.Apply(new ReplicaChange("a", null));
        _directory.TryReplace([], _directory.Announcements);
        Assert.Equal(["b"], Ids());
    }

    private string[] Ids() => [.. _directory.Replicas.Select(replica => replica.Id)];

    private static ReplicaRecord Replica(string id) =>
        new() { Id = id, Address = new Uri("http://127.0.0.1:1"), State = ReplicaState.Ready };
}
