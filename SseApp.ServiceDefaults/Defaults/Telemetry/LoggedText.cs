namespace SseApp.ServiceDefaults.Defaults.Telemetry;

/// <summary>What of a text that a stranger may have chosen is logged.</summary>
internal static class LoggedText
{
    /// <summary>Its beginning, without what would make another line of it.</summary>
    public static string OneLine(string text, int most) =>
        string.Concat(text.Take(most).Select(character => char.IsControl(character) || character is '\u2028' or '\u2029' ? '?' : character));
}
