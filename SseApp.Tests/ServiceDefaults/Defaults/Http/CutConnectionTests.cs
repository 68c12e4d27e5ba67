using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.ServiceDefaults.Defaults.Http;

/// <summary>A server that dies, or one that a proxy cannot reach, resets connections in the moment in which they are made.</summary>
public sealed class CutConnectionTests
{
    private const int Attempts = 1_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_connection_that_is_reset_as_it_is_made_is_a_failed_request_like_any_other()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var resetting = Task.Run(() => ResetAll(listener), Cancellation);
        using var client = new HttpClient(new CutConnectionHandler(new SocketsHttpHandler()));
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri($"http://{listener.LocalEndpoint}"), Cancellation));
        }

        listener.Stop();
        await resetting;
    }

    [Fact]
    public async Task It_counts_as_a_connection_that_could_not_be_made()
    {
        using var client = new HttpClient(new CutConnectionHandler(new Cut()));

        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri("http://localhost"), Cancellation));

        Assert.Equal(HttpRequestError.ConnectionError, failure.HttpRequestError);
    }

    private static void ResetAll(TcpListener listener)
    {
        try
        {
            while (true)
            {
                using var connection = listener.AcceptSocket();
                connection.LingerState = new LingerOption(enable: true, seconds: 0);
            }
        }
        catch (SocketException)
        {
            // The listener was stopped.
        }
    }

    /// <summary>What the platform's handler does when it asks a socket that was reset for its other side.</summary>
    private sealed class Cut : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new SocketException((int)SocketError.NotConnected);
    }
}
