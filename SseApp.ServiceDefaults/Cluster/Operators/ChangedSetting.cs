using System.Collections;
using System.Reflection;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>A setting that is not its default. A secret is never shown, only that it is set.</summary>
/// <param name="Name">Its full path.</param>
/// <param name="Value">As it is written in a configuration.</param>
/// <param name="Default">What it would be otherwise; null: not set.</param>
internal sealed record ChangedSetting(string Name, string? Value, string? Default)
{
    public const string Hidden = "(hidden)";

    /// <summary>Those of all options classes of the assemblies, in the order of their names.</summary>
    /// <param name="services">Has the options of this process.</param>
    /// <param name="assemblies">Where to look for classes with a <c>SectionName</c>.</param>
    public static ChangedSetting[] Of(IServiceProvider services, params Assembly[] assemblies) =>
    [
        .. assemblies.SelectMany(assembly => assembly.GetTypes())
            .Select(type => (Type: type, Section: type.GetField("SectionName", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() as string))
            .Where(options => options.Section is not null && options.Type.GetConstructor(Type.EmptyTypes) is not null)
            .SelectMany(options => Compare(options.Section!, Current(services, options.Type), Standard(services, options.Type), secret: false))
            .OrderBy(setting => setting.Name, StringComparer.Ordinal),
    ];

    private static object Current(IServiceProvider services, Type type)
    {
        var options = services.GetRequiredService(typeof(IOptions<>).MakeGenericType(type));
        return options.GetType().GetProperty(nameof(IOptions<>.Value))!.GetValue(options)!;
    }

    /// <summary>
    /// What the options of this service are without a configuration: some classes have another default in one service than in the
    /// other, which that service sets by code, and the binding of the section asks for the configuration.
    /// </summary>
    private static object Standard(IServiceProvider services, Type type)
    {
        var standard = Activator.CreateInstance(type)!;
        var plain = typeof(ConfigureNamedOptions<>).MakeGenericType(type);
        foreach (var configure in services.GetServices(typeof(IConfigureOptions<>).MakeGenericType(type)).Where(configure => configure?.GetType() == plain))
        {
            plain.GetMethod(nameof(IConfigureOptions<>.Configure), [type])!.Invoke(configure, [standard]);
        }

        return standard;
    }

    private static IEnumerable<ChangedSetting> Compare(string path, object? current, object? standard, bool secret)
    {
        var type = (current ?? standard)?.GetType();
        if (type is null)
        {
            return [];
        }

        if (SettingTypes.IsValue(type))
        {
            return Equals(current, standard) ? [] : [new ChangedSetting(path, Show(current, secret), Show(standard, secret))];
        }

        if (typeof(IEnumerable).IsAssignableFrom(type))
        {
            var (items, defaults) = (Items(current), Items(standard));
            return Enumerable.Range(0, Math.Max(items.Length, defaults.Length)).SelectMany(index =>
            {
                var item = index < items.Length ? items[index] : default;
                var key = item.Key ?? defaults[index].Key!;
                return Compare($"{path}:{key}", item.Value, index < defaults.Length ? defaults[index].Value : null, secret || SettingTypes.IsSecret(key));
            });
        }

        return SettingTypes.Properties(type).SelectMany(property => Compare(
            $"{path}:{property.Name}", current is null ? null : property.GetValue(current), standard is null ? null : property.GetValue(standard), secret || SettingTypes.IsSecret(property)));
    }

    private static (string? Key, object? Value)[] Items(object? list) => list switch
    {
        IDictionary map => [.. map.Keys.Cast<object>().Select(key => (key.ToString(), map[key]))],
        IEnumerable items => [.. items.Cast<object?>().Select((item, index) => ((string?)index.ToString(CultureInfo.InvariantCulture), item))],
        _ => [],
    };

    private static string? Show(object? value, bool secret) => value switch
    {
        null => null,
        string or Uri when secret => Hidden,
        Uri { IsAbsoluteUri: true } address => Public(address),
        Uri relative => UserInfo.HideInAddress(relative.OriginalString),
        string text when text.Contains("://", StringComparison.Ordinal) => Uri.TryCreate(text, UriKind.Absolute, out var address) ? Public(address) : Hidden,
        string text => UserInfo.HideInAddress(text),
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    // Without user, password and query.
    private static string Public(Uri address) => address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
}
