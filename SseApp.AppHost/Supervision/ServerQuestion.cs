using SseApp.AppHost.Archive;
using SseApp.AppHost.Backplane;

namespace SseApp.AppHost.Supervision;

/// <summary>
/// What a server that speaks no HTTP is asked in the place of <c>/alive</c>: something that it answers to everybody, before any password
/// and while it recovers. Whatever it says, it lives; that it takes the connection means nothing, because the system does that.
/// </summary>
/// <param name="Endpoint">Where.</param>
/// <param name="Bytes">What.</param>
internal sealed record ServerQuestion(EndpointReference Endpoint, ReadOnlyMemory<byte> Bytes)
{
    // "PING", to which one without the password gets -NOAUTH.
    private static readonly byte[] s_redis = "*1\r\n$4\r\nPING\r\n"u8.ToArray();

    // Whether it would speak TLS: a length of 8, and 80877103.
    private static readonly byte[] s_postgres = [0, 0, 0, 8, 4, 210, 22, 47];

    public static ServerQuestion? Of(IResource resource) => resource switch
    {
        GarnetServerResource redis => new ServerQuestion(redis.PrimaryEndpoint, s_redis),
        LocalPostgresResource postgres => new ServerQuestion(postgres.PrimaryEndpoint, s_postgres),
        _ => null,
    };
}
