using SseApp.Cli.Gateway;
using SseApp.Cli.Output;

namespace SseApp.Cli.Commands;

/// <summary><c>sse reload</c>: replaces all replicas one at a time, and waits until that is over.</summary>
internal static class ReloadCommand
{
    // Within the ten requests a second that an operator with a token has.
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(500);

    // The state is in Redis, which may be away for a moment while the reload goes on.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    public static Command Create(Shared shared)
    {
        var noWait = new Option<bool>("--no-wait") { Description = "Begin it, and end." };
        var status = new Option<bool>("--status") { Description = "Begin nothing: show the newest one." };
        return shared.ForOperators(
            new Command("reload", "Replaces the processes of all replicas one after the other; clients move over and lose nothing. Waits until it is done; Ctrl+C ends the wait, not the reload.") { noWait, status },
            async (parsed, client, printer, cancellationToken) =>
            {
                var isQuestion = parsed.GetValue(status);
                var reload = isQuestion
                    ? await client.GetAsync("/admin/reload", cancellationToken)
                    : await client.PostAsync("/admin/reload", cancellationToken);
                if (!isQuestion && !parsed.GetValue(noWait))
                {
                    reload = await FollowAsync(reload, client, printer, shared.Host.Time, cancellationToken);
                }

                if (printer.IsJson)
                {
                    printer.Json(reload.WriteTo);
                }
                else
                {
                    if (isQuestion)
                    {
                        foreach (var (step, index) in reload.Items("steps").Select((step, index) => (step, index)))
                        {
                            printer.Line(Step(reload, step, index));
                        }
                    }

                    printer.Line(SafeText.Of(reload.Text("detail") ?? reload.Text("state") ?? ""));
                }

                return reload.Text("state") is "failed" or "interrupted" ? ExitCode.Failed : ExitCode.Ok;
            });
    }

    private static async Task<JsonElement> FollowAsync(JsonElement begun, GatewayClient client, Printer printer, TimeProvider time, CancellationToken cancellationToken)
    {
        var (reload, shown, answered) = (begun, 0, time.GetTimestamp());
        try
        {
            while (true)
            {
                foreach (var step in reload.Items("steps").Skip(shown).TakeWhile(step => step.Member("seconds") is not null))
                {
                    if (!printer.IsJson)
                    {
                        printer.Line(Step(reload, step, shown));
                    }

                    shown++;
                }

                if (reload.Text("finishedAt") is not null)
                {
                    return reload;
                }

                await Task.Delay(s_poll, time, cancellationToken);
                try
                {
                    var next = await client.GetAsync("/admin/reload", cancellationToken);
                    // Another one may have been begun meanwhile; this one is over then.
                    reload = next.Text("id") == begun.Text("id")
                        ? next
                        : throw new ToolException(ExitCode.Failed, "another-reload", "Another reload has begun; how this one ended is not known any more.");
                    answered = time.GetTimestamp();
                }
                catch (ToolException failure) when (failure.Code is ExitCode.Unreachable or ExitCode.NotNow && time.GetElapsedTime(answered) < s_patience)
                {
                    // The gateway that runs it writes on; asked again.
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            printer.Note("The reload goes on; 'sse reload --status' shows it.");
            throw;
        }
    }

    private static string Step(JsonElement reload, JsonElement step, int index) => string.Create(
        CultureInfo.InvariantCulture,
        $"{index + 1} of {reload.Items("steps").Count()}: {SafeText.Of(step.Text("replica") ?? "")} {step.Text("state")}, {Format.Streams(step.Long("streams"))}{(step.Number("seconds") is { } seconds ? $", {seconds:0.0} s" : "")}");
}
