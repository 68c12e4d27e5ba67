namespace SseApp.Cli.Sizing;

/// <summary>A number of the sizing model, and where it comes from.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Of the number; empty for a mere factor.</param>
/// <param name="Source">A table of bench/RESULTS.md, a setting's default, or that it is assumed.</param>
internal sealed record SizingConstant(string Name, double Value, string Unit, string Source)
{
    public static implicit operator double(SizingConstant constant) => constant.Value;

    public double ToDouble() => Value;
}
