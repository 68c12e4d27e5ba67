namespace SseApp.Tests.EndToEnd;

/// <summary>The images and <c>deploy/compose</c>, in containers, by the same script that a person uses; a small load and no times.</summary>
[Collection<RunsAlone>]
public sealed class ContainerTests(ITestOutputHelper output)
{
    private const int NotHere = 77;

    [LongFact]
    public async Task A_replica_is_killed_and_all_containers_are_replaced_and_nobody_loses_an_event()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The containers are Linux'.");
        var start = new ProcessStartInfo("bash",
        [
            Path.Combine(Repository.Root!, "deploy", "proof", "run"), "--lenient", "--streams", "100", "--window", "2",
            "--bench", Repository.Assembly("bench/SseApp.Bench", "SseApp.Bench"),
        ]);
        var lines = new System.Text.StringBuilder();
        await using var script = ChildProcess.Start(start, Keep, Keep);

        await script.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(20), TimeProvider.System, TestContext.Current.CancellationToken);

        var said = script.Tail(100);
        output.WriteLine(lines.ToString());
        Assert.SkipWhen(script.ExitCode == NotHere, said);
        Assert.True(script.ExitCode == 0, said);

        void Keep(string line)
        {
            lock (lines)
            {
                lines.AppendLine(line);
            }
        }
    }
}
