using System.CommandLine.Parsing;

namespace SseApp.Cli.Commands;

/// <summary>
/// Options that are numbers, each with its range. The parser's own would read them as the user's language writes them, or take a comma for nothing, and name a type of .NET
/// in its message.
/// </summary>
internal static class Numbers
{
    public static Option<long?> Whole(string name, long least, long most = long.MaxValue) => new(name)
    {
        HelpName = "number",
        CustomParser = result => Parse(result, least, most, "a whole number", most == long.MaxValue,
            text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null),
    };

    public static Option<double?> Real(string name, double least, double most) => new(name)
    {
        HelpName = "number",
        CustomParser = result => Parse(result, least, most, "a number", isOpen: false,
            text => double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) ? value : null),
    };

    private static T? Parse<T>(ArgumentResult result, T least, T most, string kind, bool isOpen, Func<string, T?> read)
        where T : struct, IComparable<T>, IFormattable
    {
        if (result.Tokens is not [{ Value: var text }])
        {
            return null;
        }

        if (read(text) is { } value && value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0)
        {
            return value;
        }

        var range = isOpen ? $", at least {Text(least)}" : $" from {Text(least)} to {Text(most)}";
        result.AddError($"{((OptionResult)result.Parent!).Option.Name} is '{text}'; it must be {kind}{range}, in digits alone{(least is double ? " but for a point" : "")}, such as {(least is double ? "0.5" : "1000")}.");
        return null;
    }

    private static string Text<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
