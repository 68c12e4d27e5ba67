using System.Collections;
using System.ComponentModel;
using System.Reflection;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// Binds a section to its options class, and says of each wrong value in one line which setting it is, what it is, and
/// what is allowed: <c>Streaming:MaxTopics is 0; it must be between 1 and 1000.</c> The framework's own texts name only
/// the property, and its binder stops at the first value that it cannot convert.
/// </summary>
internal static class Settings
{
    /// <summary>Binds what can be converted; what cannot keeps its default, and <see cref="Problems"/> names it.</summary>
    public static T Bind<T>(IConfigurationSection section, T options)
        where T : class
    {
        var wrong = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        FindUnreadable(section, options.GetType(), [], wrong);
        Without(section, wrong).Bind(options);
        return options;
    }

    /// <summary>A line for each value of the section, or of the options bound to it, that is wrong.</summary>
    public static IReadOnlyCollection<string> Problems(IConfigurationSection section, object options)
    {
        var wrong = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        FindUnreadable(section, options.GetType(), [], wrong);
        FindForbidden(section, options, wrong);
        return wrong.Values;
    }

    /// <summary>What a value of the type looks like, to go on from "it must be".</summary>
    public static string Describe(Type type, params IReadOnlyCollection<ValidationAttribute> rules)
    {
        var range = rules.OfType<RangeAttribute>().FirstOrDefault() is { } limits ? $" {Between(limits)}" : "";
        return type switch
        {
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(TimeSpan) => range.Length > 0 ? $"a time{range}" : "a time such as 00:00:30 (hours:minutes:seconds)",
            _ when type == typeof(Uri) => "an address such as http://10.0.0.7:8080",
            _ when type.IsEnum => "one of " + string.Join(", ", rules.OfType<AllowedValuesAttribute>().FirstOrDefault()?.Values ?? Enum.GetNames(type)),
            _ when type == typeof(double) => $"a number{range}",
            _ when type.IsPrimitive => $"a whole number{range}",
            _ => $"a {type.Name}",
        };
    }

    private static void FindUnreadable(
        IConfigurationSection section, Type type, IReadOnlyCollection<ValidationAttribute> rules, Dictionary<string, string> wrong)
    {
        var nullable = Nullable.GetUnderlyingType(type);
        type = nullable ?? type;
        if (ElementType(type) is { } element)
        {
            foreach (var child in section.GetChildren())
            {
                FindUnreadable(child, element, [], wrong);
            }
        }
        else if (!IsValue(type))
        {
            foreach (var property in Properties(type))
            {
                FindUnreadable(section.GetSection(property.Name), property.PropertyType, Rules(property), wrong);
            }
        }
        else if (section.Value is { } text && !(text.Length == 0 && nullable is not null) && Unreadable(type, text, rules) is { } expected)
        {
            wrong[section.Path] = $"{section.Path} is '{text}'; it must be {expected}.";
        }
    }

    private static string? Unreadable(Type type, string text, IReadOnlyCollection<ValidationAttribute> rules)
    {
        try
        {
            var value = type == typeof(string) ? text : TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text);
            return type.IsEnum && !Enum.IsDefined(type, value!) ? Describe(type, rules) : null;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException or OverflowException or NotSupportedException or InvalidCastException)
        {
            return type.GetCustomAttribute<DescriptionAttribute>()?.Description ?? Describe(type, rules);
        }
    }

    private static void FindForbidden(IConfigurationSection section, object options, Dictionary<string, string> wrong)
    {
        var known = wrong.Count;
        foreach (var property in Properties(options.GetType()))
        {
            var child = section.GetSection(property.Name);
            var value = property.GetValue(options);
            if (wrong.ContainsKey(child.Path))
            {
                continue;
            }

            if (Rules(property).FirstOrDefault(rule => !rule.IsValid(value)) is { } broken)
            {
                wrong[child.Path] = $"{child.Path} is {Show(child.Value ?? value, property.PropertyType)}; {Rule(property, broken)}";
            }
            else if (value is IList items && ElementType(property.PropertyType) is { } element && !IsValue(element))
            {
                // Items without a single value that can be read are not in the list, and it may begin with items of its own.
                var children = child.GetChildren().Where(item => item.GetChildren().Any(field => !wrong.ContainsKey(field.Path))).ToArray();
                for (var i = 1; i <= Math.Min(children.Length, items.Count); i++)
                {
                    FindForbidden(children[^i], items[^i]!, wrong);
                }
            }
            else if (value is not null && ElementType(property.PropertyType) is null && !IsValue(property.PropertyType))
            {
                FindForbidden(child, value, wrong);
            }
        }

        if (options is IValidatableObject)
        {
            // Rules between settings are made for values that are allowed each by itself.
            var whole = known == wrong.Count && !wrong.Keys.Any(path => path.StartsWith(section.Path + ':', StringComparison.OrdinalIgnoreCase))
                ? options
                : Without(section, wrong).Get(options.GetType()) ?? options;
            foreach (var result in ((IValidatableObject)whole).Validate(new ValidationContext(whole)).Where(result => result != ValidationResult.Success))
            {
                var message = result.ErrorMessage!;
                wrong[message] = message.StartsWith(section.Path, StringComparison.Ordinal) ? message : $"{section.Path}: {message}";
            }
        }
    }

    private static IConfiguration Without(IConfigurationSection section, Dictionary<string, string> wrong) => wrong.Count == 0
        ? section
        : new ConfigurationBuilder()
            .AddInMemoryCollection(section.AsEnumerable(makePathsRelative: true)
                .Where(pair => pair.Value is not null && !wrong.ContainsKey($"{section.Path}:{pair.Key}")))
            .Build();

    private static string Rule(PropertyInfo property, ValidationAttribute rule) => rule switch
    {
        RegularExpressionAttribute { ErrorMessage: { } message } => message,
        // Read from a new one: a range that has been used has forgotten how it was written.
        RangeAttribute => $"it must be {Between(property.GetCustomAttribute<RangeAttribute>()!)}.",
        RequiredAttribute => "a value is needed.",
        RegularExpressionAttribute expression => $"it must match {expression.Pattern}.",
        StringLengthAttribute length => $"it must have {length.MinimumLength} to {length.MaximumLength} characters.",
        AllowedValuesAttribute or EnumDataTypeAttribute => $"it must be {Describe(property.PropertyType, rule)}.",
        _ => rule.FormatErrorMessage(property.Name),
    };

    private static string Between(RangeAttribute range)
    {
        var (from, to) = (Show(range.Minimum), Show(range.Maximum));
        var open = range.Maximum is int.MaxValue or >= (double)long.MaxValue;
        return (open ? $"at least {from}" : $"between {from} and {to}") + (range.OperandType == typeof(TimeSpan) ? " (hours:minutes:seconds)" : "");
    }

    private static string Show(object? value, Type? type = null) => value switch
    {
        null or "" => "empty",
        string when type == typeof(string) => $"'{value}'",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static ValidationAttribute[] Rules(PropertyInfo property) =>
        [.. property.GetCustomAttributes<ValidationAttribute>().OrderByDescending(rule => rule is RequiredAttribute)];

    private static IEnumerable<PropertyInfo> Properties(Type type) => type
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.GetIndexParameters().Length == 0 && (property.SetMethod is { IsPublic: true } || !IsValue(property.PropertyType)));

    private static Type? ElementType(Type type) => type == typeof(string)
        ? null
        : type.GetInterfaces().Append(type)
            .Where(face => face.IsGenericType && face.GetGenericTypeDefinition() == typeof(IEnumerable<>))
            .Select(face => face.GetGenericArguments()[0])
            .Select(item => item.IsGenericType && item.GetGenericTypeDefinition() == typeof(KeyValuePair<,>) ? item.GetGenericArguments()[1] : item)
            .FirstOrDefault();

    private static bool IsValue(Type type) =>
        ElementType(type) is null && TypeDescriptor.GetConverter(Nullable.GetUnderlyingType(type) ?? type).CanConvertFrom(typeof(string));
}
