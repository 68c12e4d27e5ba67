namespace SseApp.AppHost.Operations;

/// <summary>Properties of an instance, shown in its details, that come from the replica registry.</summary>
internal static class ReplicaProperties
{
    public const string State = "replica.state";
    public const string Streams = "replica.streams";

    public static string? StateOf(CustomResourceSnapshot snapshot) =>
        snapshot.Properties.FirstOrDefault(property => property.Name == State)?.Value as string;

    public static CustomResourceSnapshot With(this CustomResourceSnapshot snapshot, ReplicaInfo? replica) => snapshot with
    {
        Properties =
        [
            .. snapshot.Properties.Where(property => property.Name is not (State or Streams)),
            .. replica is null
                ? (ResourcePropertySnapshot[])[]
                : [new(State, replica.State), new(Streams, replica.Connections.ToString(CultureInfo.InvariantCulture))],
        ],
    };
}
