using SseApp.Cli.Gateway;
using SseApp.Cli.Output;

namespace SseApp.Cli.Commands;

/// <summary><c>sse drain</c> and <c>sse undrain</c>.</summary>
internal static class DrainCommands
{
    public static Command Drain(Shared shared)
    {
        var replica = Replica();
        var force = new Option<bool>("--force") { Description = "Although it is the only one that is ready." };
        return shared.ForOperators(
            new Command("drain", "Moves a replica's streams to the others and sends it no new ones; its process keeps running.") { replica, force },
            (parsed, client, printer, cancellationToken) => SendAsync(parsed.GetValue(replica)!, parsed.GetValue(force) ? "drain?force=true" : "drain", client, printer, cancellationToken));
    }

    public static Command Undrain(Shared shared)
    {
        var replica = Replica();
        return shared.ForOperators(
            new Command("undrain", "Lets a replica take streams again.") { replica },
            (parsed, client, printer, cancellationToken) => SendAsync(parsed.GetValue(replica)!, "undrain", client, printer, cancellationToken));
    }

    /// <summary>The argument that names one.</summary>
    public static Argument<string> Replica() => new("replica") { Description = "Its id, as 'sse status' lists it." };

    private static async Task<int> SendAsync(string id, string operation, GatewayClient client, Printer printer, CancellationToken cancellationToken)
    {
        JsonElement replica;
        try
        {
            replica = await client.PostAsync($"/admin/replicas/{Uri.EscapeDataString(id)}/{operation}", cancellationToken);
        }
        catch (ToolException failure) when (failure.Reason == "last-replica")
        {
            throw new ToolException(failure.Code, failure.Reason, $"'{id}' is the only replica that is ready; without it nobody can be served. Add --force to drain it all the same.");
        }

        if (printer.IsJson)
        {
            printer.Json(replica.WriteTo);
        }
        else
        {
            printer.Line($"{SafeText.Of(replica.Text("id") ?? id)} is {replica.Text("state")}, with {Format.Streams(replica.Long("connections"))} at its last heartbeat.");
        }

        return ExitCode.Ok;
    }
}
