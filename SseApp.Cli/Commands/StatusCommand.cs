using SseApp.Cli.Gateway;
using SseApp.Cli.Output;

namespace SseApp.Cli.Commands;

/// <summary><c>sse status</c>: whether the cluster is well, and its replicas.</summary>
internal static class StatusCommand
{
    private static readonly string[] s_parts = ["dependencies", "checks"];

    public static Command Create(Shared shared) => shared.ForOperators(
        new Command("status", "Shows the gateway's health with its reasons, alerts, and the replicas. Ends with 1 when the gateway is unhealthy."), RunAsync);

    private static async Task<int> RunAsync(ParseResult parsed, GatewayClient client, Printer printer, CancellationToken cancellationToken)
    {
        // It is 503 when the gateway is unhealthy, and says why.
        var health = await client.SendAsync(HttpMethod.Get, "/health", null, cancellationToken, status => status == HttpStatusCode.ServiceUnavailable);
        var status = health.Text("status") ?? throw client.NoGateway("its health has no status");
        var replicas = await client.GetAsync("/admin/replicas", cancellationToken);
        var alerts = await client.GetAsync("/admin/alerts", cancellationToken);
        if (printer.IsJson)
        {
            printer.Json(json =>
            {
                json.WriteStartObject();
                json.WriteString("gateway"u8, client.Address.GetLeftPart(UriPartial.Authority));
                json.WriteString("status"u8, status);
                Member(json, "health", health);
                Member(json, "replicas", replicas);
                Member(json, "alerts", alerts);
                json.WriteEndObject();
            });
        }
        else
        {
            Write(client, printer, status, health, replicas, alerts);
        }

        return status == "unhealthy" ? ExitCode.Failed : ExitCode.Ok;
    }

    private static void Write(GatewayClient client, Printer printer, string status, JsonElement health, JsonElement replicas, JsonElement alerts)
    {
        printer.Write(new Paragraph($"Gateway {client.Address.GetLeftPart(UriPartial.Authority)} is ")
            .Append(SafeText.Of(status), new Style(ReplicaTable.OfHealth(status)))
            .Append($" for {Format.Time(health.Number("uptimeSeconds") ?? 0)}, with {Format.Streams(health.Long("connections"))}"));
        foreach (var (name, check) in health.Reasons())
        {
            printer.Line($"  {SafeText.Of(name)} is {check.Text("status")}: {SafeText.Of(check.Text("description") ?? "no reason given")}");
        }

        foreach (var alert in alerts.Items("active"))
        {
            printer.Line($"  Alert {SafeText.Of(alert.Text("key") ?? "")}: {SafeText.Of(alert.Text("summary") ?? "")}");
        }

        printer.Line("");
        if (replicas.GetArrayLength() == 0)
        {
            printer.Line("No replica is registered.");
            return;
        }

        printer.Write(ReplicaTable.Of(replicas.EnumerateArray(), withRates: false));
    }

    private static void Member(Utf8JsonWriter json, string name, JsonElement value)
    {
        json.WritePropertyName(name);
        value.WriteTo(json);
    }

    /// <summary>What of a health is not as it should be.</summary>
    private static IEnumerable<(string Name, JsonElement Check)> Reasons(this JsonElement health) =>
        s_parts.Select(name => health.Member(name))
            .Where(member => member is { ValueKind: JsonValueKind.Object })
            .SelectMany(member => member!.Value.EnumerateObject())
            .Where(check => check.Value.Text("status") is not (null or "healthy"))
            .Select(check => (check.Name, check.Value));
}
