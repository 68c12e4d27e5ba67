using System.ComponentModel;

namespace SseApp.ServiceDefaults.Defaults.Memory;

/// <summary>A number of bytes, in configuration written as <c>500MB</c>, <c>1.5GB</c>, <c>64KB</c> or plain bytes (1 KB = 1 024 bytes).</summary>
[TypeConverter(typeof(Converter)), Description("a size such as 500MB, 1.5GB or 524288000")]
internal readonly record struct ByteSize(long Bytes)
{
    private static readonly (string Unit, long Factor)[] s_units = [("KB", 1L << 10), ("MB", 1L << 20), ("GB", 1L << 30), ("B", 1)];

    /// <exception cref="FormatException">The text is no size; the message shows the form.</exception>
    public static ByteSize Parse(string text)
    {
        var number = text.Trim();
        var factor = 1L;
        foreach (var (unit, bytes) in s_units)
        {
            if (number.EndsWith(unit, StringComparison.OrdinalIgnoreCase))
            {
                number = number[..^unit.Length];
                factor = bytes;
                break;
            }
        }

        return decimal.TryParse(number, NumberStyles.AllowDecimalPoint | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var value)
            && value * factor <= long.MaxValue
            // Half a byte would be none, and that is "no limit" in places.
            && (factor > 1 || value == decimal.Truncate(value))
            ? new ByteSize((long)(value * factor))
            : throw new FormatException($"'{text}' is not a size such as 500MB, 1.5GB or 524288000.");
    }

    public override string ToString() => Bytes >= 1L << 30
        ? string.Create(CultureInfo.InvariantCulture, $"{Bytes / (double)(1L << 30):0.##} GB")
        : string.Create(CultureInfo.InvariantCulture, $"{Bytes / (double)(1L << 20):0.#} MB");

    /// <summary>Lets the configuration binder read one.</summary>
    private sealed class Converter : TypeConverter
    {
        public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) => sourceType == typeof(string);

        public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
            value is string text ? Parse(text) : base.ConvertFrom(context, culture, value);
    }
}
