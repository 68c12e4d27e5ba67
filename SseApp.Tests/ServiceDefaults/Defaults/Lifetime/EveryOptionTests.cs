using System.Collections;
using System.Reflection;
using SseApp.ServiceDefaults.Defaults.Lifetime;
using SseApp.ServiceDefaults.Defaults.Memory;

namespace SseApp.Tests.ServiceDefaults.Defaults.Lifetime;

/// <summary>Holds every option of every section, at any depth, to one rule: what cannot be read stops the start and is named.</summary>
public sealed class EveryOptionTests
{
    private static readonly Dictionary<Type, string> s_unreadable = new()
    {
        [typeof(int)] = "100k",
        [typeof(long)] = "1e3",
        [typeof(double)] = "half",
        [typeof(bool)] = "perhaps",
        [typeof(TimeSpan)] = "1h",
        [typeof(ByteSize)] = "lots",
    };

    private static readonly (Type Type, string Section)[] s_classes =
    [
        .. new[] { "SseApp.AppHost", "SseApp.Events", "SseApp.Gateway", "SseApp.ServiceDefaults" }
            .SelectMany(assembly => Assembly.Load(assembly).GetTypes())
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.GetField("SectionName") is { IsLiteral: true })
            .Select(type => (type, (string)type.GetField("SectionName")!.GetRawConstantValue()!)),
    ];

    [Fact]
    public void A_value_that_cannot_be_bound_is_named_with_its_path_and_what_is_allowed() => AssertEach(180, option =>
    {
        var type = Nullable.GetUnderlyingType(option.Type) ?? option.Type;
        return s_unreadable.GetValueOrDefault(type, type.IsEnum ? "1" : "") is { Length: > 0 } text
            ? [(option.Path, text, $"{option.Path} is '{text}'; it must be ")]
            : SettingTypes.ElementType(type) is { } element && (SettingTypes.IsDictionary(type) || !SettingTypes.IsValue(element))
                ? [(option.Path, "Drop", $"{option.Path} is 'Drop', but it ")]
                : [];
    });

    [Fact]
    public void A_section_in_place_of_a_value_is_named() => AssertEach(180, option =>
        SettingTypes.IsValue(option.Type) ? [($"{option.Path}:x", "v", $"{option.Path}:x is {option.Shown("v")}, but {option.Path} is one value; it must be ")] : []);

    [Fact]
    public void A_value_in_place_of_a_section_is_named() => Assert.All(s_classes, one =>
        Assert.Contains(Problems(one.Type, one.Section, one.Section, "v"), line => line.StartsWith($"{one.Section} is ", StringComparison.Ordinal) && line.Contains($"it is a section; allowed: {one.Section}:", StringComparison.Ordinal)));

    [Fact]
    public void A_misspelt_name_is_named_with_the_nearest_one() => AssertEach(180, option =>
    {
        var misspelt = $"{option.Path[..^2]}{option.Path[^1]}";
        // A secret may have been meant.
        var name = misspelt[(misspelt.LastIndexOf(':') + 1)..];
        var shown = name.Contains("key", StringComparison.OrdinalIgnoreCase) || name.Contains("token", StringComparison.OrdinalIgnoreCase) ? "***" : option.Shown("v");
        return [(misspelt, "v", $"{misspelt} is {shown}, but there is no setting {misspelt}; did you mean {option.Path}? Allowed: ")];
    });

    [Fact]
    public void Null_is_not_a_value() => AssertEach(180, option =>
        option.Type.IsValueType && Nullable.GetUnderlyingType(option.Type) is null ? [(option.Path, null, $"{option.Path} is null; it must be ")] : []);

    [Fact]
    public void A_list_without_numbers_is_named_or_is_a_list_of_what_it_says()
    {
        var lists = s_classes.SelectMany(one => Walk(one.Type, one.Section, one.Type, one.Section)).Where(option => IsList(option.Type)).ToArray();
        Assert.True(lists.Length >= 7, $"Only {lists.Length} lists were found.");
        Assert.All(lists, option =>
        {
            Assert.Contains(Problems(option.Class, option.Section, $"{option.Path}:first", "v"), line => line.StartsWith($"{option.Path}:first is 'v', but the items of {option.Path} have numbers; ", StringComparison.Ordinal));
            if (SettingTypes.IsValue(SettingTypes.ElementType(option.Type)!))
            {
                var options = Activator.CreateInstance(option.Class, nonPublic: true)!;
                var own = Items(option, options);
                Assert.Equal(own, Bound(option));
                Assert.Equal(own, Bound(option, (option.Path, null)));
                Assert.Equal(["192.0.2.1", "x"], Bound(option, (option.Path, "192.0.2.1, x")));
                Assert.Equal(["192.0.2.1", "x"], Bound(option, ($"{option.Path}:0", "192.0.2.1"), ($"{option.Path}:7", "x")));
                Assert.Empty(Bound(option, (option.Path, "")));
                // What cannot be read leaves the default, until the line about it is read.
                Assert.Equal(own, Bound(option, (option.Path, "a;b")));
                foreach (var wrong in (string[])["a;b", "a,", "a b", ","])
                {
                    Assert.Contains(Problems(option.Class, option.Section, option.Path, wrong), line => line.StartsWith($"{option.Path} is '{wrong}', and its item '", StringComparison.Ordinal));
                }

                foreach (var wrong in (string[])["a,b", "a;b", "a b", ""])
                {
                    Assert.Contains(Problems(option.Class, option.Section, $"{option.Path}:0", wrong), line => line.StartsWith($"{option.Path}:0 is '{wrong}'; it must be ", StringComparison.Ordinal));
                }

                Assert.Contains(Problems(option.Class, option.Section, $"{option.Path}:0:x", "v"), line => line.StartsWith($"{option.Path}:0:x is 'v', but {option.Path}:0 is one value; ", StringComparison.Ordinal));
                Assert.Contains(Problems(option.Class, option.Section, $"{option.Path}:0", null), line => line.StartsWith($"{option.Path}:0 is null; ", StringComparison.Ordinal));
            }
            else
            {
                // Of an item with a secret nobody knows which one was meant.
                var shown = SettingTypes.Properties(SettingTypes.ElementType(option.Type)!).Any(SettingTypes.IsSecret) ? "***" : "'Drop'";
                Assert.Contains(Problems(option.Class, option.Section, $"{option.Path}:0", "Drop"), line => line.StartsWith($"{option.Path}:0 is {shown}, but it is a section; allowed: {option.Path}:0:", StringComparison.Ordinal));
                Assert.Contains(Problems(option.Class, option.Section, $"{option.Path}:0", null), line => line.StartsWith($"{option.Path}:0 is null; allowed: {option.Path}:0:", StringComparison.Ordinal));
            }
        });
    }

    [Fact]
    public void What_is_called_like_a_secret_is_marked_as_one() => AssertEach(180, option =>
    {
        // The schema and the pages read the mark.
        Assert.Equal(option.IsSecret, option.Property.GetCustomAttribute<System.ComponentModel.DataAnnotations.DataTypeAttribute>() is { DataType: System.ComponentModel.DataAnnotations.DataType.Password });
        return [];
    });

    [Fact]
    public void Every_name_is_known_to_all_processes() => AssertEach(180, option =>
    {
        Assert.Contains(option.Path.Split(':')[1], SettingNames.Of(option.Section));
        return [];
    });

    [Fact]
    public void Defaults_are_allowed() => Assert.All(s_classes, one => Assert.Empty(Settings.Problems(Section(one.Section), Activator.CreateInstance(one.Type, nonPublic: true)!)));

    private static bool IsList(Type type) => SettingTypes.ElementType(type) is not null && !SettingTypes.IsDictionary(type);

    private static string[] Bound(Option option, params (string Key, string? Value)[] settings) =>
        Items(option, Settings.Bind(Section(option.Section, settings), Activator.CreateInstance(option.Class, nonPublic: true)!));

    private static string[] Items(Option option, object options)
    {
        var value = options;
        foreach (var name in option.Path.Split(':').Skip(1))
        {
            value = name == "0" ? ((IEnumerable)value!).Cast<object>().FirstOrDefault() : value?.GetType().GetProperty(name)!.GetValue(value);
        }

        return [.. ((IEnumerable?)value ?? Array.Empty<string>()).Cast<string>()];
    }

    /// <summary>The setting that is tried, its value, and how the line begins that it must cause.</summary>
    private static void AssertEach(int atLeast, Func<Option, IEnumerable<(string Path, string? Text, string Line)>> attempts)
    {
        var options = s_classes.SelectMany(one => Walk(one.Type, one.Section, one.Type, one.Section)).ToArray();
        Assert.True(options.Length >= atLeast / 2, $"Only {options.Length} options were found.");
        var wrong = new List<string>();
        foreach (var option in options)
        {
            foreach (var (path, text, line) in attempts(option))
            {
                var problems = Problems(option.Class, option.Section, path, text);
                if (!problems.Any(problem => problem.StartsWith(line, StringComparison.Ordinal)))
                {
                    wrong.Add($"{path}={text}: {string.Join(" | ", problems)}");
                }
            }
        }

        Assert.Empty(wrong);
    }

    private static IReadOnlyCollection<string> Problems(Type type, string section, string path, string? text)
    {
        var configuration = Section(section, (path, text));
        return Settings.Problems(configuration, Settings.Bind(configuration, Activator.CreateInstance(type, nonPublic: true)!), SettingNames.Of(section));
    }

    private static IConfigurationSection Section(string section, params (string Key, string? Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value))).Build().GetSection(section);

    private static IEnumerable<Option> Walk(Type root, string section, Type type, string prefix) => SettingTypes.Properties(type).SelectMany(property =>
    {
        var own = new Option(root, section, $"{prefix}:{property.Name}", property.PropertyType, property);
        return SettingTypes.ElementType(property.PropertyType) is { } element && !SettingTypes.IsValue(element)
            ? Walk(root, section, element, $"{own.Path}:0").Prepend(own)
            : [own];
    });

    private sealed record Option(Type Class, string Section, string Path, Type Type, PropertyInfo Property)
    {
        public bool IsSecret => SettingTypes.IsSecret(Property);

        public string Shown(string value) => IsSecret ? "***" : $"'{value}'";
    }
}
