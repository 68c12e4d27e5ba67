using System.Text;
using SseApp.AppHost.Archive;
using SseApp.AppHost.Backplane;

namespace SseApp.AppHost.Supervision;

/// <summary>
/// What a server that speaks no HTTP is asked in the place of <c>/alive</c>: something that it answers whatever its state. Whatever it says, it
/// lives; that it takes the connection means nothing, because the system does that.
/// </summary>
/// <param name="Endpoint">Where.</param>
/// <param name="Bytes">What.</param>
internal sealed record ServerQuestion(EndpointReference Endpoint, ReadOnlyMemory<byte> Bytes)
{
    // Whether it would speak TLS: a length of 8, and 80877103.
    private static readonly byte[] s_postgres = [0, 0, 0, 8, 4, 210, 22, 47];

    public static ServerQuestion? Of(IResource resource) => resource switch
    {
        GarnetServerResource redis => new ServerQuestion(redis.PrimaryEndpoint, Redis(redis.Password)),
        LocalPostgresResource postgres => new ServerQuestion(postgres.PrimaryEndpoint, s_postgres),
        _ => null,
    };

    // With the password: a Garnet whose disk was full refuses strangers as ever (-NOAUTH), closes the connection of whoever has it, and
    // does so for good, also when there is room again.
    internal static byte[] Redis(string password) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"*2\r\n$4\r\nAUTH\r\n${password.Length}\r\n{password}\r\n*1\r\n$4\r\nPING\r\n"));
}
