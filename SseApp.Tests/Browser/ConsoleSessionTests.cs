using SseApp.Gateway;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.Browser;

/// <summary>The clients' console in a real browser, at a gateway that lets nobody in without a credential.</summary>
public sealed class ConsoleSessionTests(RedisServer redis) : GatewayTest, IClassFixture<RedisServer>
{
    // Does what a person would do, and says what the page shows then.
    private const string Driver = """
        import { $ } from "/common.js";
        const report = (step, text) => fetch("/test/report", { method: "POST", body: JSON.stringify({ step, text }) });
        const until = async (step, shown) => {
          for (let i = 0; i < 400; i++) {
            const text = shown();
            if (text) return report(step, text);
            await new Promise(done => setTimeout(done, 50));
          }
          await report(`${step} did not come`, document.body.innerText);
          throw new Error(step);
        };
        const text = (id, part) => $(id).textContent.includes(part) && $(id).textContent;
        const token = $("sign-in").elements.token;
        await until("closed", () => !$("session-section").hidden && text("who", "Not signed in"));
        $("subscribe").requestSubmit();
        await until("refused", () => text("served", "Refused"));
        token.value = "{wrong}";
        $("sign-in").requestSubmit();
        await until("wrong", () => text("who", "issuer"));
        token.value = "{token}";
        $("sign-in").requestSubmit();
        await until("known", () => text("who", "alice"));
        await until("open", () => $("state").textContent === "open" && text("served", "Served by"));
        await report("kept", JSON.stringify([localStorage.length, sessionStorage.length, document.cookie, token.value]));
        $("publish").requestSubmit();
        await until("published", () => text("published", "offset"));
        await until("event", () => text("events", "world"));
        $("subscribe").requestSubmit();
        $("subscribe").elements.topic.value = "secret";
        $("subscribe").requestSubmit();
        await until("denied", () => text("served", "topic-denied"));
        $("subscribe").requestSubmit();
        $("subscribe").elements.topic.value = "demo";
        $("subscribe").requestSubmit();
        await until("open again", () => $("state").textContent === "open" && text("served", "Served by"));
        $("sign-out").click();
        await until("out", () => text("session", "signed out") && text("who", "no-credentials"));
        await report("stream", $("state").textContent);
        """;

    private readonly TestCertificate _certificate = new();

    [Fact]
    public async Task It_signs_in_with_a_token_that_no_script_can_read_says_why_a_stream_is_refused_and_signs_out()
    {
        await redis.RequireAsync();
        var prefix = Guid.NewGuid().ToString("N");
        var token = Tokens.Make(["demo"], ["demo"]);
        Own(await EventsHost.StartAsync(redis, prefix, Tokens.Settings));
        (string Key, string Value)[] settings =
        [
            .. Tokens.Settings, ("ConnectionStrings:redis", redis.ConnectionString), ("Cluster:KeyPrefix", prefix),
            ("Tls:CertificateFile", _certificate.CertificateFile), ("Tls:KeyFile", _certificate.KeyFile), ("Tls:Urls", "https://127.0.0.1:0"),
        ];
        var reports = new ConcurrentQueue<Report>();
        var gateway = Own(await GatewayHost.StartAsync(
            null,
            settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value, StringComparer.Ordinal),
            use: app => Drive(app, token, reports)));
        await UntilAsync(() => gateway.AvailableReplicas() == 1, "the replica to be routed to");
        await using var browser = Chromium.Open(new Uri(gateway.SecureAddress, "/"), "--ignore-certificate-errors");
        await Eventually.Async(
            () => reports.Any(report => report.Step == "stream" || report.Step.EndsWith("did not come", StringComparison.Ordinal)), TimeSpan.FromSeconds(60), "the page to be through");

        Assert.Equal(
            ["closed", "refused", "wrong", "known", "open", "kept", "published", "event", "denied", "open again", "out", "stream"],
            reports.Select(report => report.Step.EndsWith("did not come", StringComparison.Ordinal) ? $"{report.Step}: {report.Text}" : report.Step));
        var shown = reports.ToDictionary(report => report.Step, report => report.Text, StringComparer.Ordinal);
        Assert.Contains("no-credentials: sign in", shown["refused"], StringComparison.Ordinal);
        Assert.Contains("topic-denied 'secret'", shown["denied"], StringComparison.Ordinal);
        Assert.Equal("""[0,0,"",""]""", shown["kept"]);
        Assert.Equal("closed", shown["stream"]);
        Assert.DoesNotContain(reports, report => report.Text.Contains(token, StringComparison.Ordinal));
    }

    protected override ValueTask DisposeOwnAsync()
    {
        _certificate.Dispose();
        return default;
    }

    private static void Drive(WebApplication app, string token, ConcurrentQueue<Report> reports) => app.Use(async (context, next) =>
    {
        switch (context.Request.Path.Value)
        {
            case "/":
                using (var page = new StreamReader(typeof(GatewayExtensions).Assembly.GetManifestResourceStream("SseApp.Gateway.Console.wwwroot.index.html")!))
                {
                    context.Response.ContentType = "text/html; charset=utf-8";
                    await context.Response.WriteAsync((await page.ReadToEndAsync()).Replace("</head>", "<script src=\"/test/driver.js\" type=\"module\"></script></head>", StringComparison.Ordinal));
                }

                break;
            case "/test/driver.js":
                context.Response.ContentType = "text/javascript; charset=utf-8";
                await context.Response.WriteAsync(Driver.Replace("{token}", token, StringComparison.Ordinal)
                    .Replace("{wrong}", Tokens.Make(["demo"], change: claims => claims["iss"] = "https://nobody.test"), StringComparison.Ordinal));
                break;
            case "/test/report":
                reports.Enqueue((await JsonSerializer.DeserializeAsync<Report>(context.Request.Body, JsonSerializerOptions.Web))!);
                break;
            default:
                await next(context);
                break;
        }
    });

    private sealed record Report(string Step, string Text);
}
