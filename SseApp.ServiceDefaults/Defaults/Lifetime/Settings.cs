using System.Collections;
using System.Reflection;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// Binds a section to its options class, and says of each wrong value in one line which setting it is, what it is, and
/// what is allowed: <c>Streaming:MaxTopics is 0; it must be between 1 and 1000.</c> The framework's own texts name only
/// the property, and its binder stops at the first value that it cannot convert.
/// </summary>
internal static class Settings
{
    /// <summary>
    /// Binds what can be converted; what cannot keeps its default, and <see cref="Problems"/> names it. A list that is configured
    /// takes the place of its default, also an empty one.
    /// </summary>
    public static T Bind<T>(IConfigurationSection section, T options)
        where T : class
    {
        var reading = SettingsReading.Of(section, options.GetType(), []);
        Bind(reading, section, options);
        return options;
    }

    /// <summary>Binds what is allowed as well; everything else keeps its default.</summary>
    public static T BindAllowed<T>(IConfigurationSection section, T options)
        where T : class, new()
    {
        var reading = SettingsReading.Of(section, typeof(T), []);
        var all = Bind(section, new T());
        FindForbidden(reading.Without(reading.Wrong), all, reading);
        Bind(reading, section, options);
        return options;
    }

    /// <summary>A line for each value of the section, or of the options bound to it, that is wrong, and for each name that is none.</summary>
    /// <param name="section">The section.</param>
    /// <param name="options">What is bound to it.</param>
    /// <param name="others">Names that the section may have for others to read.</param>
    public static IReadOnlyCollection<string> Problems(IConfigurationSection section, object options, IReadOnlyCollection<string>? others = null)
    {
        var reading = SettingsReading.Of(section, options.GetType(), others ?? []);
        FindForbidden(reading.Without(reading.Wrong), options, reading);
        if (reading.Wrong.Count == 0)
        {
            FindIdle(section, options.GetType(), reading.Wrong);
        }

        return reading.Wrong.Values;
    }

    private static object Bind(SettingsReading reading, IConfigurationSection section, object options)
    {
        // The framework's binder adds to what a list has.
        foreach (var path in reading.Lists.Where(path => path.StartsWith(section.Path + ':', StringComparison.OrdinalIgnoreCase) && !reading.Wrong.Keys.Any(wrong => wrong.StartsWith(path, StringComparison.OrdinalIgnoreCase))))
        {
            Clear(options, path[(section.Path.Length + 1)..].Split(':'));
        }

        reading.Without(reading.Wrong, section.Path).Bind(options);
        return options;
    }

    // Whoever names a file for a log believes that there is a log.
    private static void FindIdle(IConfigurationSection section, Type type, Dictionary<string, string> wrong)
    {
        if (type.GetCustomAttribute<SwitchedOnByAttribute>() is not { Setting: var name } || !string.IsNullOrWhiteSpace(section[name]))
        {
            return;
        }

        var isSwitch = type.GetProperty(name)!.PropertyType == typeof(bool);
        var remedy = isSwitch ? $"set {section.Path}:{name}=true, or {section.Path}:{name}=false to keep it for later" : $"set {section.Path}:{name}, or take it away";
        foreach (var setting in SettingTypes.Properties(type).Where(property => property.Name != name)
            .Select(property => (Property: property, Section: section.GetSection(property.Name))).Where(each => each.Section.Exists() && each.Section.Value != ""))
        {
            var shown = setting.Section.Value is { } value ? SettingsReading.Quote(value, SettingTypes.IsSecret(setting.Property)) : "set";
            wrong[setting.Section.Path] = $"{setting.Section.Path} is {shown}, but without {section.Path}:{name} it does nothing; {remedy}.";
        }
    }

    private static void Clear(object options, ReadOnlySpan<string> names)
    {
        for (var i = 0; i < names.Length; i++)
        {
            // What is in an item of a list is made anew, with the list.
            if (options.GetType().GetProperty(names[i])?.GetValue(options) is not { } value)
            {
                return;
            }

            options = value;
        }

        typeof(ICollection<>).MakeGenericType(SettingTypes.ElementType(options.GetType())!).GetMethod(nameof(ICollection<>.Clear))!.Invoke(options, null);
    }

    private static void FindForbidden(IConfigurationSection section, object options, SettingsReading reading)
    {
        var wrong = reading.Wrong;
        var known = wrong.Count;
        foreach (var property in SettingTypes.Properties(options.GetType()))
        {
            var child = section.GetSection(property.Name);
            var value = property.GetValue(options);
            if (wrong.ContainsKey(child.Path))
            {
                continue;
            }

            if (Rules(property).FirstOrDefault(rule => !rule.IsValid(value)) is { } broken)
            {
                var shown = SettingTypes.IsSecret(property) ? "***" : SettingTypes.Show(child.Value ?? value, property.PropertyType);
                wrong[child.Path] = $"{child.Path} is {shown}; {Rule(property, broken)}";
            }
            else if (value is IList items && SettingTypes.ElementType(property.PropertyType) is { } element && !SettingTypes.IsValue(element))
            {
                // What could not be read is not in the list, and it may begin with items of its own.
                var children = child.GetChildren().ToArray();
                for (var i = 1; i <= Math.Min(children.Length, items.Count); i++)
                {
                    FindForbidden(children[^i], items[^i]!, reading);
                }
            }
            else if (value is not null && SettingTypes.ElementType(property.PropertyType) is null && !SettingTypes.IsValue(property.PropertyType))
            {
                FindForbidden(child, value, reading);
            }
        }

        if (options is IValidatableObject)
        {
            // Rules between settings are made for values that are allowed each by itself.
            var whole = known == wrong.Count && !wrong.Keys.Any(path => path.StartsWith(section.Path + ':', StringComparison.OrdinalIgnoreCase))
                ? options
                : Bind(reading, section, Activator.CreateInstance(options.GetType(), nonPublic: true)!);
            foreach (var result in ((IValidatableObject)whole).Validate(new ValidationContext(whole)).Where(result => result != ValidationResult.Success))
            {
                var message = result.ErrorMessage!;
                var separator = result.MemberNames.Any(name => message.StartsWith(name, StringComparison.Ordinal)) ? ":" : ": ";
                wrong[message] = message.StartsWith(section.Path, StringComparison.Ordinal) ? message : $"{section.Path}{separator}{message}";
            }
        }
    }

    private static string Rule(PropertyInfo property, ValidationAttribute rule) => rule switch
    {
        RegularExpressionAttribute { ErrorMessage: { } message } => message,
        // Read from a new one: a range that has been used has forgotten how it was written.
        RangeAttribute => $"it must be {SettingTypes.Between(property.GetCustomAttribute<RangeAttribute>()!)}.",
        RequiredAttribute => "a value is needed.",
        RegularExpressionAttribute expression => $"it must match {expression.Pattern}.",
        StringLengthAttribute length => $"it must have {length.MinimumLength} to {length.MaximumLength} characters.",
        AllowedValuesAttribute or EnumDataTypeAttribute => $"it must be {SettingTypes.Describe(property.PropertyType, property)}.",
        _ => rule.FormatErrorMessage(property.Name),
    };

    private static ValidationAttribute[] Rules(PropertyInfo property) =>
        [.. property.GetCustomAttributes<ValidationAttribute>().OrderByDescending(rule => rule is RequiredAttribute)];
}

/// <summary>The setting of a section without which all others of it do nothing: set alone, they stop the start.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class SwitchedOnByAttribute(string setting) : Attribute
{
    public string Setting => setting;
}
