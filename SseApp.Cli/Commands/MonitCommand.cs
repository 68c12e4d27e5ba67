using SseApp.Cli.Gateway;
using SseApp.Cli.Output;

namespace SseApp.Cli.Commands;

/// <summary><c>sse monit</c>: the cluster as it is now, each second.</summary>
internal static class MonitCommand
{
    public static Command Create(Shared shared)
    {
        var count = Numbers.Whole("--count", 1);
        count.Description = "End after so many seconds.";
        return shared.ForOperators(
            new Command("monit", "Shows replicas, streams, rates, delays and alerts, each second, on a terminal; with --json the gateway's state, a line each second. Ctrl+C ends it.") { count },
            async (parsed, client, printer, cancellationToken) =>
            {
                var limit = parsed.GetValue(count) ?? long.MaxValue;
                var view = new MonitorView(client.Address);
                var stream = new ReconnectingStream(client, "/admin/state", shared.Host.Time, note => view.Note = note);
                try
                {
                    if (printer.IsJson)
                    {
                        await FollowAsync(stream, view, limit, item => printer.Line(item), () => { }, cancellationToken);
                    }
                    else
                    {
                        var console = printer.Live() ?? throw ToolException.Usage("monit needs a terminal. 'sse status' prints the state once, and 'sse monit --json' a line each second.");
                        // Lines that do not fit are not shown, rather than scrolled over and over.
                        await console.Live(view.Render()).Overflow(VerticalOverflow.Ellipsis).StartAsync(live => FollowAsync(stream, view, limit, _ => { }, () =>
                        {
                            live.UpdateTarget(view.Render());
                            live.Refresh();
                        }, cancellationToken));
                    }
                }
                catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
                {
                    // That is how it ends.
                }

                return ExitCode.Ok;
            });
    }

    private static async Task FollowAsync(ReconnectingStream stream, MonitorView view, long limit, Action<string> state, Action show, CancellationToken cancellationToken)
    {
        await foreach (var item in stream.ReadAsync(cancellationToken))
        {
            if (view.Take(item))
            {
                show();
            }

            if (item.EventType == "state")
            {
                state(item.Data);
                if (--limit == 0)
                {
                    return;
                }
            }
        }
    }
}
