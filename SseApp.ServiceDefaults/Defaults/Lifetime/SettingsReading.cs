using System.Reflection;

namespace SseApp.ServiceDefaults.Defaults.Lifetime;

/// <summary>
/// A section as its options class can take it, at any depth, and a line for everything else in it: a value that cannot be
/// converted, a name that is none, a value in place of a section and the reverse. The framework's binder leaves all of
/// them out in silence. A list may also be one value, its items separated by commas.
/// </summary>
internal sealed class SettingsReading
{
    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly string _path;

    private SettingsReading(string path) => _path = path;

    /// <summary>A line for each setting that cannot be read, by its path.</summary>
    public Dictionary<string, string> Wrong { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Paths of the lists that are configured, be it as empty ones.</summary>
    public List<string> Lists { get; } = [];

    /// <param name="section">The section.</param>
    /// <param name="type">The options class.</param>
    /// <param name="others">Names that the section may have for others to read.</param>
    public static SettingsReading Of(IConfigurationSection section, Type type, IReadOnlyCollection<string> others)
    {
        var reading = new SettingsReading(section.Path);
        reading.ReadObject(section, type, others);
        return reading;
    }

    /// <summary>What can be read, but for the settings of these paths, which are not allowed.</summary>
    /// <param name="wrong">The lines, by path.</param>
    /// <param name="path">The section itself, or one in it.</param>
    public IConfigurationSection Without(IReadOnlyDictionary<string, string> wrong, string? path = null) => new ConfigurationBuilder()
        .AddInMemoryCollection(_values.Where(pair => !wrong.ContainsKey(pair.Key)))
        .Build()
        .GetSection(path ?? _path);

    /// <summary>The value as a message has it: on one line, and never a secret.</summary>
    public static string Quote(string? value, bool secret = false) => secret ? "***" : value is null ? "null" : $"'{value.ReplaceLineEndings(" ")}'";

    private void Read(IConfigurationSection section, Type type, PropertyInfo? property)
    {
        if (SettingTypes.ElementType(type) is not { } element)
        {
            if (SettingTypes.IsValue(type))
            {
                ReadValue(section, type, property);
            }
            else
            {
                ReadObject(section, type, []);
            }
        }
        else if (SettingTypes.IsDictionary(type))
        {
            ReadDictionary(section, element, property);
        }
        else
        {
            ReadList(section, element, property);
        }
    }

    private void ReadObject(IConfigurationSection section, Type type, IReadOnlyCollection<string> others)
    {
        var properties = SettingTypes.Properties(type).ToArray();
        string[] names = [.. others.Union(properties.Select(property => property.Name), StringComparer.OrdinalIgnoreCase)];
        if (!string.IsNullOrEmpty(section.Value))
        {
            var secret = properties.Any(SettingTypes.IsSecret);
            Wrong[section.Path] = $"{section.Path} is {Quote(section.Value, secret)}, but it is a section; allowed: {string.Join(", ", names.Select(name => $"{section.Path}:{name}"))}.";
        }

        foreach (var child in section.GetChildren())
        {
            if (Array.Find(properties, property => string.Equals(property.Name, child.Key, StringComparison.OrdinalIgnoreCase)) is { } property)
            {
                // As its class writes it.
                Read(section.GetSection(property.Name), property.PropertyType, property);
            }
            else if (!names.Contains(child.Key, StringComparer.OrdinalIgnoreCase) && !SettingNames.IsFormer(child.Path))
            {
                var (closest, isSimilar) = SettingNames.Closest(child.Key, names);
                // The section may belong to several classes, and this one need not have the secret that was meant. What is nearest by its
                // letters hides the value, too, where a longer name that contains this one is the better guess.
                var nearest = SettingNames.Nearest(child.Key, names);
                var secret = SettingNames.IsSecret(child.Path) || SettingTypes.IsSecret(child.Key) || child.Key.Contains("key", StringComparison.OrdinalIgnoreCase)
                    || Array.Exists(properties, candidate => SettingTypes.IsSecret(candidate)
                        && (candidate.Name == closest || candidate.Name == nearest || child.Value?.Contains("://", StringComparison.Ordinal) == true));
                var meant = isSimilar ? $"; did you mean {section.Path}:{closest}?" : ".";
                foreach (var leaf in SettingNames.Leaves(child))
                {
                    Wrong[leaf.Path] = $"{leaf.Path} is {Quote(leaf.Value, secret)}, but there is no setting {child.Path}{meant} Allowed: {string.Join(", ", names)}.";
                }
            }
        }
    }

    private void ReadValue(IConfigurationSection section, Type type, PropertyInfo? property)
    {
        var secret = property is not null && SettingTypes.IsSecret(property);
        var expected = SettingTypes.Describe(type, property);
        if (section.GetChildren().Any())
        {
            foreach (var leaf in section.GetChildren().SelectMany(SettingNames.Leaves))
            {
                Wrong[leaf.Path] = $"{leaf.Path} is {Quote(leaf.Value, secret)}, but {section.Path} is one value; it must be {expected}.";
            }
        }
        else if (section.Value is not { } text)
        {
            // Null is "not set", where that is a value.
            if (type.IsValueType && Nullable.GetUnderlyingType(type) is null)
            {
                Wrong[section.Path] = $"{section.Path} is null; it must be {expected}.";
            }
        }
        else if (!SettingTypes.CanRead(type, text))
        {
            Wrong[section.Path] = $"{section.Path} is {Quote(text, secret)}; it must be {expected}.{SettingTypes.Hint(type, text)}";
        }
        else if (type == typeof(string) && !secret && HasUnseen(text, property))
        {
            Wrong[section.Path] = $"{section.Path} is {JsonSerializer.Serialize(text)}, with a blank or an invisible character at its end or within; take it away. A file of variables must have the line ends of Unix.";
        }
        else if (type == typeof(string) && !secret && Literal(text, property) is { } literal)
        {
            Wrong[section.Path] = $"{section.Path} is {Quote(text)}, and {literal}.";
        }
        else
        {
            _values[section.Path] = text;
        }
    }

    /// <summary>
    /// What a shell would have taken away or put in, and no service manager does: a file of variables (docker --env-file, systemd) is not read by a
    /// shell. Folders of such names would be made.
    /// </summary>
    private static string? Literal(string text, PropertyInfo? property)
    {
        if (property is null || !SettingTypes.IsPath(property))
        {
            return null;
        }

        return text is ['"' or '\'', ..] ? "the quotes would be a part of the name; take them away"
            : text is "~" || text.StartsWith("~/", StringComparison.Ordinal) ? "nothing puts the home folder in the place of ~; write the whole path"
            : text.StartsWith('$') && text.Length > 1 && (text[1] is '{' or '_' || char.IsAsciiLetter(text[1])) ? "nothing puts a variable's value in the place of its name; write the whole path"
            : null;
    }

    // As a line of a file with Windows' line ends leaves it: a file "key\r" would be made, and another one searched for.
    private static bool HasUnseen(string text, PropertyInfo? property) => property is not null && SettingTypes.IsPath(property)
        ? text.Any(char.IsControl) || (text.Trim() is { Length: > 0 } trimmed && trimmed.Length < text.Length)
        : text.Length > 0 && (char.IsControl(text[0]) || char.IsControl(text[^1]));

    private void ReadList(IConfigurationSection section, Type element, PropertyInfo? property)
    {
        var items = section.GetChildren().ToArray();
        var isValue = SettingTypes.ElementType(element) is null && SettingTypes.IsValue(element);
        if (section.Value is not null || items.Length > 0)
        {
            Lists.Add(section.Path);
        }

        if (section.Value is { Length: > 0 } all)
        {
            if (!isValue)
            {
                Wrong[section.Path] = $"{section.Path} is {Quote(all)}, but it is a list of sections; allowed: {Items(section, element)}.";
            }
            else if (items.Length > 0)
            {
                Wrong[section.Path] = $"{section.Path} is {Quote(all)}, and there is {items[0].Path} as well; write the list in one of the two ways.";
            }
            else
            {
                var values = all.Split(',', StringSplitOptions.TrimEntries);
                if (Array.Find(values, value => !IsItem(element, value)) is { } wrong)
                {
                    Wrong[section.Path] = $"{section.Path} is {Quote(all)}, and its item '{wrong}' cannot be used; write {Item(element)}, or several, separated by commas.";
                    return;
                }

                for (var i = 0; i < values.Length; i++)
                {
                    _values[string.Create(CultureInfo.InvariantCulture, $"{section.Path}:{i}")] = values[i];
                }
            }

            return;
        }

        foreach (var item in items)
        {
            if (!int.TryParse(item.Key, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                foreach (var leaf in SettingNames.Leaves(item))
                {
                    Wrong[leaf.Path] = $"{leaf.Path} is {Quote(leaf.Value)}, but the items of {section.Path} have numbers; allowed: {Items(section, element)}.";
                }
            }
            else if (!isValue)
            {
                ReadItem(item, element, property);
            }
            else if (item.GetChildren().Any() || item.Value is null)
            {
                ReadValue(item, element, property: null);
                Wrong.TryAdd(item.Path, $"{item.Path} is {(item.Value is null && !item.GetChildren().Any() ? "null" : "a section")}; it must be {Item(element)}.");
            }
            else if (!IsItem(element, item.Value.Trim()))
            {
                Wrong[item.Path] = $"{item.Path} is {Quote(item.Value)}; it must be {Item(element)}. Further ones have numbers of their own, or all are one value of {section.Path}, separated by commas.";
            }
            else
            {
                _values[item.Path] = item.Value.Trim();
            }
        }
    }

    private void ReadItem(IConfigurationSection item, Type element, PropertyInfo? property)
    {
        if (string.IsNullOrEmpty(item.Value) && !item.GetChildren().Any())
        {
            var names = SettingTypes.Properties(element).Select(field => $"{item.Path}:{field.Name}");
            Wrong[item.Path] = $"{item.Path} is {(item.Value is null ? "null" : "empty")}; allowed: {string.Join(", ", names)}.";
        }
        else
        {
            Read(item, element, property);
        }
    }

    private void ReadDictionary(IConfigurationSection section, Type element, PropertyInfo? property)
    {
        if (!string.IsNullOrEmpty(section.Value))
        {
            Wrong[section.Path] = $"{section.Path} is {Quote(section.Value)}, but it has a value for each name; allowed: {section.Path}:<name>.";
        }

        foreach (var child in section.GetChildren())
        {
            if (child.Value is null && !child.GetChildren().Any())
            {
                Wrong[child.Path] = $"{child.Path} is null; it must be {SettingTypes.Describe(element, property: null)}.";
            }
            else
            {
                Read(child, element, SettingTypes.IsValue(element) ? null : property);
            }
        }
    }

    private static string Items(IConfigurationSection section, Type element) => SettingTypes.IsValue(element)
        ? $"{section.Path}:0, {section.Path}:1 and so on, or all of them in {section.Path}, separated by commas"
        : string.Join(", ", SettingTypes.Properties(element).Select(field => $"{section.Path}:0:{field.Name}"));

    private static string Item(Type element) => element == typeof(string) ? "one text without spaces, commas and semicolons" : SettingTypes.Describe(element, property: null);

    // An address, a name, an origin: none of them has one of these, and a list that is separated by them would be one wrong item.
    private static bool IsItem(Type element, string value) =>
        value.Length > 0 && (element != typeof(string) || !value.Any(letter => letter is ',' or ';' || char.IsWhiteSpace(letter))) && SettingTypes.CanRead(element, value);
}
