namespace SseApp.Bench;

internal static class Cli
{
    /// <summary>An option whose value must lie in a range, which its help text names.</summary>
    public static Option<int> Number(string name, string description, int value, int min, int max)
    {
        var option = new Option<int>(name) { Description = $"{description} {min} to {max}.", DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is var number && (number < min || number > max))
            {
                result.AddError($"{name} must be from {min} to {max}, not {number}.");
            }
        });
        return option;
    }

    /// <summary>What the command does; a run that cannot go on says why, and the exit code is 2.</summary>
    public static void Runs(this Command command, Func<ParseResult, CancellationToken, Task<int>> run) =>
        command.SetAction(async (result, cancellationToken) =>
        {
            try
            {
                return await run(result, cancellationToken);
            }
            catch (BenchException exception)
            {
                AnsiConsole.MarkupLineInterpolated($"[red]{exception.Message}[/]");
                return 2;
            }
        });

    public static void Progress(string what) => AnsiConsole.MarkupLineInterpolated($"[grey]{what}[/]");
}
