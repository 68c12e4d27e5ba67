using System.ComponentModel;
using System.Reflection;

namespace SseApp.AppHost.Startup;

internal static class SettingsExtensions
{
    /// <summary>
    /// Fills <paramref name="settings"/> from a section. A value that is not allowed, and a name that is none, becomes a
    /// <see cref="StartupProblems">problem</see>; the default stays.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="section">Path of the section.</param>
    /// <param name="settings">The defaults.</param>
    /// <param name="others">Further names that the section may have, known when the application starts.</param>
    public static T ReadSettings<T>(this IDistributedApplicationBuilder builder, string section, T settings, Func<IEnumerable<string>>? others = null)
        where T : class
    {
        var values = builder.Configuration.GetSection(section);
        var properties = typeof(T).GetProperties().Where(property => property.CanWrite).ToArray();
        foreach (var property in properties)
        {
            if (values[property.Name] is { } text && !TrySet(settings, property, values.GetSection(property.Name)))
            {
                StartupProblems.Of(builder).Add($"{section}:{property.Name} is '{text}'; allowed: {Allowed(property)}.");
            }
        }

        StartupProblems.Of(builder).AddCheck(() =>
        {
            string[] names = [.. properties.Select(property => property.Name), .. others?.Invoke() ?? []];
            return values.GetChildren()
                .Where(child => !names.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                .Select(child => $"{child.Path} is {(child.Value is null ? "a section" : $"'{child.Value}'")}, but there is no such setting; "
                    + $"did you mean {section}:{names.MinBy(name => Distance(child.Key, name))}? Allowed: {string.Join(", ", names)}.");
        });
        return settings;
    }

    private static bool TrySet(object settings, PropertyInfo property, IConfigurationSection value)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type.IsEnum && !Enum.GetNames(type).Contains(value.Value, StringComparer.OrdinalIgnoreCase))
        {
            // The converter would take numbers, too.
            return false;
        }

        try
        {
            var converted = value.Get(type);
            var valid = Validator.TryValidateProperty(converted, new ValidationContext(settings) { MemberName = property.Name }, validationResults: null);
            if (valid)
            {
                property.SetValue(settings, converted);
            }

            return valid;
        }
        catch (InvalidOperationException)
        {
            // The binder's "cannot be converted".
            return false;
        }
    }

    private static string Allowed(PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        var range = property.GetCustomAttribute<RangeAttribute>() is { } limits ? $" from {limits.Minimum} to {limits.Maximum}" : "";
        return type switch
        {
            _ when property.GetCustomAttribute<DescriptionAttribute>() is { } words => words.Description,
            { IsEnum: true } => string.Join(", ", Enum.GetNames(type)),
            _ when type == typeof(bool) => "true, false",
            _ when type == typeof(TimeSpan) => $"a time{range}, written [days.]hh:mm:ss",
            _ when type == typeof(int) => $"a whole number{range}",
            _ => $"a text that matches {property.GetCustomAttribute<RegularExpressionAttribute>()?.Pattern}",
        };
    }

    /// <summary>Letters to insert, remove or replace (Levenshtein).</summary>
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var replaced = diagonal + (char.ToUpperInvariant(left[i - 1]) == char.ToUpperInvariant(right[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
