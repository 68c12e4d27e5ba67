using System.ComponentModel;
using System.Reflection;
using System.Text.RegularExpressions;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>How an option of each type is written.</summary>
internal static partial class SettingTypes
{
    private const string TimeForm = "hours:minutes:seconds";
    private const string LongTimeForm = $"days.{TimeForm}";

    /// <summary>What a value of the type looks like, to go on from "it must be".</summary>
    public static string Describe(Type type, PropertyInfo? property)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        var range = property?.GetCustomAttribute<RangeAttribute>() is { } limits ? $" {Between(limits)}" : "";
        return type switch
        {
            _ when property?.GetCustomAttribute<DescriptionAttribute>() is { } words => words.Description,
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(TimeSpan) => range.Length > 0 ? $"a time{range}" : $"a time such as 00:00:30 ({TimeForm})",
            _ when type == typeof(Uri) => "an address such as http://10.0.0.7:8080",
            _ when type.IsEnum => "one of " + string.Join(", ", property?.GetCustomAttribute<AllowedValuesAttribute>()?.Values ?? Enum.GetNames(type)),
            _ when type == typeof(double) => $"a number{range}",
            _ when type.IsPrimitive => $"a whole number{range}",
            _ when type == typeof(string) => "a text",
            _ => type.GetCustomAttribute<DescriptionAttribute>()?.Description ?? $"a {type.Name}",
        };
    }

    public static string Between(RangeAttribute range)
    {
        var (from, to) = (Show(range.Minimum), Show(range.Maximum));
        var open = range.Maximum is int.MaxValue or >= (double)long.MaxValue;
        return (open ? $"at least {from}" : $"between {from} and {to}")
            + (range.OperandType != typeof(TimeSpan) ? "" : Times().Match(to).Groups["days"].Success ? $" ({LongTimeForm})" : $" ({TimeForm})");
    }

    /// <summary>What whoever wrote this probably meant, as a sentence with a space before it; empty when that is no riddle.</summary>
    /// <param name="type">The type of the option.</param>
    /// <param name="text">A value that it does not take.</param>
    public static string Hint(Type type, string text)
    {
        if ((Nullable.GetUnderlyingType(type) ?? type) != typeof(TimeSpan) || LooseTimes().Match(text) is not { Success: true } parts)
        {
            return "";
        }

        long Number(string name) => parts.Groups[name] is { Success: true } group ? long.Parse(group.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) : 0;

        static string Time(long days, long hours, long minutes, long seconds) =>
            (new TimeSpan(TimeSpan.TicksPerDay * days) + new TimeSpan(TimeSpan.TicksPerHour * hours) + new TimeSpan(TimeSpan.TicksPerMinute * minutes) + new TimeSpan(TimeSpan.TicksPerSecond * seconds))
            .ToString("c", CultureInfo.InvariantCulture);

        var (first, second, third, fourth) = (Number("first"), Number("second"), Number("third"), Number("fourth"));
        return (parts.Groups["second"].Success, parts.Groups["third"].Success, parts.Groups["fourth"].Success) switch
        {
            (false, _, _) => $" Write {Time(0, 0, 0, first)} for {first} seconds.",
            // 10:30 is ten hours to one reader, and ten minutes to another.
            (_, false, _) => $" Write {Time(0, first, second, 0)} for {first} hours and {second} minutes, or {Time(0, 0, first, second)} for {first} minutes and {second} seconds.",
            (_, _, false) => $" Write {Time(0, first, second, third)} for {first} hours, {second} minutes and {third} seconds ({LongTimeForm}).",
            _ => $" Write {Time(first, second, third, fourth)} for {first} days, {second} hours, {third} minutes and {fourth} seconds ({LongTimeForm}).",
        };
    }

    public static string Show(object? value, Type? type = null) => value switch
    {
        null or "" => "empty",
        string when type == typeof(string) => $"'{value}'",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>Whether the text is a value of the type; an empty one is "not set" where there may be none.</summary>
    public static bool CanRead(Type type, string text)
    {
        var nullable = Nullable.GetUnderlyingType(type);
        type = nullable ?? type;
        if (type == typeof(string) || (text.Length == 0 && nullable is not null))
        {
            return true;
        }

        if (type.IsEnum)
        {
            // The converter would take numbers and combinations, too.
            return Enum.GetNames(type).Contains(text.Trim(), StringComparer.OrdinalIgnoreCase);
        }

        // The converters take more than anybody means: "30" for 30 days, "24:00:00" for 24 days, "10:30" for ten hours and a half,
        // "0x10" and "#10" for 16, and what is no number at all.
        if ((type == typeof(TimeSpan) && !Times().IsMatch(text) && !Zero().IsMatch(text)) || (type.IsPrimitive && type != typeof(bool) && !Numbers().IsMatch(text)))
        {
            return false;
        }

        try
        {
            _ = TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text);
            return true;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or OverflowException or NotSupportedException or InvalidCastException)
        {
            return false;
        }
    }

    // Of texts only: a time or a number is no secret, whatever it is called.
    private static readonly string[] s_secrets =
        ["password", "secret", "token", "credential", "passphrase", "apikey", "signingkey", "privatekey", "webhook", "connectionstring", "authorization", "cookie"];

    /// <summary>
    /// Secrets stand neither in messages nor on pages; a misspelt one is a secret as well. They are marked
    /// <c>[DataType(DataType.Password)]</c>, and a text that is called like one is one without it.
    /// </summary>
    public static bool IsSecret(PropertyInfo property) =>
        property.GetCustomAttribute<DataTypeAttribute>() is { DataType: DataType.Password }
        || ((ElementType(property.PropertyType) ?? property.PropertyType) is var type && (type == typeof(string) || type == typeof(Uri)) && IsSecret(property.Name));

    /// <summary>Whether a text of this name, in a list by names, is one.</summary>
    public static bool IsSecret(string name) => name.Replace("_", "", StringComparison.Ordinal).Replace("-", "", StringComparison.Ordinal) is var letters
        // Where a secret is, is none.
        && !letters.EndsWith("file", StringComparison.OrdinalIgnoreCase)
        && Array.Exists(s_secrets, secret => letters.Contains(secret, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether its value is the path of a file or a folder.</summary>
    public static bool IsPath(PropertyInfo property) => property.PropertyType == typeof(string)
        && Array.Exists((string[])["File", "Root", "Directory"], kind => property.Name.EndsWith(kind, StringComparison.Ordinal));

    /// <summary>What can be set.</summary>
    public static IEnumerable<PropertyInfo> Properties(Type type) => type
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.GetIndexParameters().Length == 0 && (property.SetMethod is { IsPublic: true } || !IsValue(property.PropertyType)));

    /// <summary>The type of the items of a list, or of the values of a dictionary.</summary>
    public static Type? ElementType(Type type) => type == typeof(string)
        ? null
        : Enumerables(type).Select(item => IsPair(item) ? item.GetGenericArguments()[1] : item).FirstOrDefault();

    public static bool IsDictionary(Type type) => Enumerables(type).Any(IsPair);

    public static bool IsValue(Type type) =>
        ElementType(type) is null && TypeDescriptor.GetConverter(Nullable.GetUnderlyingType(type) ?? type).CanConvertFrom(typeof(string));

    private static IEnumerable<Type> Enumerables(Type type) => type.GetInterfaces().Append(type)
        .Where(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IEnumerable<>))
        .Select(face => face.GetGenericArguments()[0]);

    private static bool IsPair(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(KeyValuePair<,>);

    [GeneratedRegex(@"^\s*-?((?<days>[0-9]{1,8})\.)?([01]?[0-9]|2[0-3]):[0-5]?[0-9]:[0-5]?[0-9](\.[0-9]{1,7})?\s*$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Times();

    [GeneratedRegex(@"^\s*0\s*$", RegexOptions.NonBacktracking)]
    private static partial Regex Zero();

    [GeneratedRegex("^\\s*(?<first>[0-9]{1,5})(:(?<second>[0-9]{1,5})(:(?<third>[0-9]{1,5})(:(?<fourth>[0-9]{1,5}))?)?)?\\s*$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex LooseTimes();

    [GeneratedRegex(@"^\s*[+-]?([0-9]+(\.[0-9]+)?|\.[0-9]+)\s*$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Numbers();
}
