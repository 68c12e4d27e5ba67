using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.Tests.Gateway;

namespace SseApp.Tests.Browser;

/// <summary>What the operators' console shows when something is not as it should be.</summary>
public sealed class ConsoleStatesTests : GatewayTest
{
    // Points of 100 to 102 s, one of them twice, and two after the gateway's clock was set back: the charts go on from there.
    private const string SetBack = """
        import("./charts.js").then(({ History }) => {
          const history = new History();
          for (const at of [100, 101, 102, 102, 50, 51]) history.add({ columns: ["at", "published"], replicas: ["r1"], points: [[at * 1000, 1, [[0, 1, 2]]]] });
          return `${history.times} ${history.columns.published.length} ${history.replicas.get("r1").streams.length}`;
        })
        """;

    [LongFact]
    public async Task An_empty_cluster_a_lost_replica_no_Redis_and_a_hostile_name_look_deliberate()
    {
        var gateway = await GatewayAsync();
        await using var page = await BrowserPage.OpenAsync();
        // A blank of no width came along when the address was pasted.
        await page.GoToAsync(new Uri(gateway.Admin.BaseAddress!, $"/#key={OperatorAccess.Key.Text}%E2%80%8B"));
        await page.UntilAsync("!document.getElementById('replicas-empty').hidden && document.getElementById('cluster').textContent === 'no replica'", "the word that there is no replica");

        await page.EvaluateAsync("location.hash = '#streams/%E0'");
        await page.UntilAsync("document.getElementById('streams-topic').value === '%E0'", "the topic of a link that is no escape");
        await page.EvaluateAsync("location.hash = '#overview'");
        Assert.Equal("50,51 2 2", (await page.EvaluateAsync(SetBack)).GetString());

        var origin = await OriginAsync("r1");
        await page.UntilAsync("document.getElementById('cluster').textContent === '1 of 1 ready'", "the replica");
        await origin.KillAsync();
        Registry.Forget("r1");
        await page.UntilAsync("document.querySelector('#replicas tr.gone')?.textContent.includes('r1')", "the word that the replica is gone");

        using var restart = await gateway.Admin.PostAsJsonAsync("/admin/restarts", new { id = "<img src=x onerror=alert(1)>", exitCode = 1, gaveUp = true, reason = "<b>bold</b>" }, Cancellation);
        restart.EnsureSuccessStatusCode();
        await page.EvaluateAsync("location.hash = '#alerts'");
        await page.UntilAsync("document.getElementById('active').textContent.includes('<img src=x onerror=alert(1)>')", "the alert of a process with a hostile name");
        Assert.Equal(0, (await page.EvaluateAsync("document.querySelectorAll('#active img, #active b:not(.runbook b)').length")).GetInt32());
        await page.EvaluateAsync("document.querySelector('#active details').open = true");
        await page.UntilAsync("document.querySelector('#active .runbook').textContent.includes('Means:')", "the runbook");

        Registry.Away = true;
        await page.UntilAsync("document.getElementById('banner').textContent.includes('Redis does not answer')", "the word that Redis is away");
        Registry.Away = false;
        await page.UntilAsync("document.getElementById('banner').hidden", "the end of that");
        Assert.Empty(page.Errors);

        await gateway.StopAsync();
        await page.UntilAsync("document.getElementById('banner').textContent.includes('does not answer')", "the word that the gateway does not answer");
    }

    [LongFact]
    public async Task A_credential_that_does_not_operate_is_told_what_it_lacks()
    {
        var gateway = await GatewayAsync(Tokens.Settings);
        gateway.Get<Revocations>().SetRead();
        await using var page = await BrowserPage.OpenAsync();
        await page.GoToAsync(new Uri(gateway.Admin.BaseAddress!, $"/#key={Tokens.Make([], change: claims => claims["scope"] = "sse:metrics")}"));

        await page.UntilAsync("document.getElementById('key-note').textContent.includes('sse:admin')", "the word that the scope is missing");
        Assert.False((await page.EvaluateAsync("document.getElementById('key-section').hidden")).GetBoolean());
        Assert.True((await page.EvaluateAsync("document.getElementById('view-overview').hidden")).GetBoolean());
        Assert.Equal(0, (await page.EvaluateAsync("sessionStorage.length")).GetInt32());
        Assert.Empty(page.Errors);
    }
}
