using System.CommandLine;

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
}
