using Aspire.Hosting.ApplicationModel;
using SseApp.AppHost.Supervision;

namespace SseApp.Tests.AppHost;

public sealed class LivenessProbeTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("http://localhost:5000", "http://localhost:5000/alive")]
    [InlineData("https://localhost:5001; http://*:5000", "http://localhost:5000/alive")]
    [InlineData("http://+:5000", "http://localhost:5000/alive")]
    [InlineData("https://localhost:5001", null)]
    [InlineData("http://{{ port }}", null)]
    [InlineData(null, null)]
    public void It_is_asked_where_its_environment_says_that_it_listens(string? urls, string? expected) =>
        Assert.Equal(expected, LivenessProbe.AddressOf(new CustomResourceSnapshot
        {
            ResourceType = "Project",
            Properties = [],
            EnvironmentVariables = [new EnvironmentVariableSnapshot("ASPNETCORE_URLS", urls, IsFromSpec: true)],
        })?.ToString());

    [Theory]
    [InlineData(200, "{\"status\":\"healthy\"}", nameof(LivenessAnswer.Alive))]
    [InlineData(200, "healthy", nameof(LivenessAnswer.Alive))]
    [InlineData(200, "{\"status\":\"healthy\",\"debugger\":true}", nameof(LivenessAnswer.Debugged))]
    [InlineData(503, "{\"status\":\"unhealthy\"}", nameof(LivenessAnswer.Unhealthy))]
    [InlineData(307, "", nameof(LivenessAnswer.Alive))]
    [InlineData(403, "", nameof(LivenessAnswer.Alive))]
    public async Task Whoever_answers_lives_unless_the_answer_says_that_only_a_restart_helps(int status, string body, string expected)
    {
        await using var origin = await OriginHost.StartAsync("r1", context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync(body, Cancellation);
        });
        using var probe = new LivenessProbe();

        Assert.Equal(expected, (await probe.AskAsync(new Uri(origin.Address, "/alive"), Cancellation)).ToString());
    }

    [Fact]
    public async Task Nobody_is_no_answer()
    {
        using var probe = new LivenessProbe();

        Assert.Equal(LivenessAnswer.None, await probe.AskAsync(new Uri($"http://127.0.0.1:{Ports.Next()}/alive"), Cancellation));
    }

    /// <summary>The system takes connections for a process that is stopped.</summary>
    [Theory]
    [InlineData("-NOAUTH Authentication required.", nameof(LivenessAnswer.Alive))]
    [InlineData("", nameof(LivenessAnswer.None))]
    [InlineData(null, nameof(LivenessAnswer.None))]
    public async Task A_server_of_another_kind_lives_when_it_says_anything(string? says, string expected)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var server = says is null ? Task.CompletedTask : AnswerAsync(listener, says);

        var answer = await LivenessProbe.AskServerAsync("localhost", ((IPEndPoint)listener.LocalEndpoint).Port, "PING\r\n"u8.ToArray(), Cancellation);

        await server;
        Assert.Equal(expected, answer.ToString());
    }

    /// <summary>As Garnet is when its disk was full: to strangers it says what it always says.</summary>
    [Theory]
    [InlineData(true, nameof(LivenessAnswer.None))]
    [InlineData(false, nameof(LivenessAnswer.Alive))]
    public async Task The_embedded_Redis_lives_when_it_answers_whoever_has_the_password(bool closes, string expected)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var question = ServerQuestion.Redis("secret");
        var server = Task.Run(
            async () =>
            {
                using var client = await listener.AcceptTcpClientAsync(Cancellation);
                var asked = new byte[question.Length];
                await client.GetStream().ReadExactlyAsync(asked, Cancellation);
                var isKnown = Encoding.ASCII.GetString(asked) == "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*1\r\n$4\r\nPING\r\n";
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(!isKnown ? "-NOAUTH\r\n" : closes ? "" : "+OK\r\n+PONG\r\n"), Cancellation);
            },
            Cancellation);

        var answer = await LivenessProbe.AskServerAsync("localhost", ((IPEndPoint)listener.LocalEndpoint).Port, question, Cancellation);

        await server;
        Assert.Equal(expected, answer.ToString());
    }

    private static async Task AnswerAsync(TcpListener listener, string says)
    {
        using var client = await listener.AcceptTcpClientAsync(Cancellation);
        await client.GetStream().ReadExactlyAsync(new byte["PING\r\n".Length], Cancellation);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(says), Cancellation);
    }

    [Fact]
    public void A_process_that_nobody_debugs_is_not_traced()
    {
        Assert.Equal(Debugger.IsAttached, LivenessProbe.IsTraced(Environment.ProcessId));
        Assert.Equal(Debugger.IsAttached, LivenessProbe.IsTraced(int.MaxValue));
    }
}
