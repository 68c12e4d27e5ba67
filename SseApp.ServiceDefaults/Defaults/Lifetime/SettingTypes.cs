using System.ComponentModel;
using System.Reflection;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>How an option of each type is written.</summary>
internal static class SettingTypes
{
    /// <summary>What a value of the type looks like, to go on from "it must be".</summary>
    public static string Describe(Type type, PropertyInfo? property)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        var range = property?.GetCustomAttribute<RangeAttribute>() is { } limits ? $" {Between(limits)}" : "";
        return type switch
        {
            _ when property?.GetCustomAttribute<DescriptionAttribute>() is { } words => words.Description,
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(TimeSpan) => range.Length > 0 ? $"a time{range}" : "a time such as 00:00:30 (hours:minutes:seconds)",
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
        return (open ? $"at least {from}" : $"between {from} and {to}") + (range.OperandType == typeof(TimeSpan) ? " (hours:minutes:seconds)" : "");
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

        try
        {
            var value = TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text);
            // The converter takes "30" for 30 days, which nobody means.
            return value is not TimeSpan time || time == TimeSpan.Zero || text.Contains(':', StringComparison.Ordinal);
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
        && Array.Exists(s_secrets, secret => letters.Contains(secret, StringComparison.OrdinalIgnoreCase));

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
}
