using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Numerics;
using System.Reflection;
using System.Text.Json.Nodes;

namespace SseApp.ConfigurationDocs;

/// <summary>Finds the options classes, which have a constant <c>SectionName</c>, and describes what can be set.</summary>
internal static class OptionCatalog
{
    private static readonly (string Assembly, string[] Processes)[] s_programs =
        [("SseApp.AppHost", ["AppHost"]), ("SseApp.Events", ["replica"]), ("SseApp.Gateway", ["gateway"]), ("SseApp.ServiceDefaults", ["replica", "gateway"])];

    public static IReadOnlyList<OptionSection> Read() =>
    [
        .. s_programs.SelectMany(program => Assembly.Load(program.Assembly).GetTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.GetField("SectionName") is { IsLiteral: true })
            .Select(type => Describe(type, program.Processes)))
            .OrderBy(section => section.Name, StringComparer.Ordinal),
    ];

    /// <exception cref="InvalidOperationException">The class or an option of it has no summary.</exception>
    public static OptionSection Describe(Type type, IReadOnlyList<string> processes)
    {
        var summaries = new XmlSummaries(type.Assembly);
        var section = (string)type.GetField("SectionName")!.GetRawConstantValue()!;
        var options = Options(type, "", summaries).ToArray();
        var missing = options.Where(option => option.Meaning.Length == 0).Select(option => $"{section}:{option.Key}").ToList();
        if (summaries.Of(type).Length == 0)
        {
            missing.Insert(0, $"the section {section} itself");
        }

        return missing.Count == 0
            ? new OptionSection(section, processes, summaries.Of(type), options)
            : throw new InvalidOperationException($"Write a <summary> in {type.FullName} that says what it means, not only what the default is: {string.Join(", ", missing)}.");
    }

    private static IEnumerable<Option> Options(Type type, string prefix, XmlSummaries summaries)
    {
        var defaults = Activator.CreateInstance(type, nonPublic: true);
        foreach (var property in type.GetProperties().OrderBy(property => property.MetadataToken))
        {
            var value = property.GetIndexParameters().Length == 0 ? property.GetValue(defaults) : null;
            if (value is IEnumerable items and not string)
            {
                var element = property.PropertyType.GetGenericArguments()[^1];
                var key = $"{prefix}{property.Name}:{(value is IDictionary ? "name" : "n")}";
                var nested = element.Assembly == type.Assembly && element.IsClass ? Options(element, $"{key}:", summaries).ToArray() : [];
                var item = nested.Length == 0 ? Kind(element, "").Schema : SettingsSchema.Object(nested.Select(option => (option.Key.Split(':')[^1], option.Schema)));
                var schema = value is IDictionary
                    ? new JsonObject { ["type"] = "object", ["additionalProperties"] = item }
                    : new JsonObject { ["type"] = "array", ["items"] = item };
                yield return new(key, nested.Length == 0 ? Kind(element, "").Type : "object", Code(Text(items)), "", summaries.Of(property), schema);
                foreach (var option in nested)
                {
                    yield return option;
                }
            }
            else if (property.SetMethod is { IsPublic: true })
            {
                var optionType = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                var (kind, schema) = Kind(optionType, property.Name);
                var text = value is long or int && kind.EndsWith("bytes", StringComparison.Ordinal) ? Bytes((IConvertible)value, exact: true) : Code(Text(value));
                if (value is not (null or "") && JsonValue.Create(value is TimeSpan or Enum or not IConvertible ? Text(value) : value) is { } @default)
                {
                    schema["default"] = @default;
                }

                yield return new($"{prefix}{property.Name}", kind, text, Range(property, optionType, kind, schema), Meaning(property, optionType, summaries), schema);
            }
        }
    }

    private static string Meaning(PropertyInfo property, Type type, XmlSummaries summaries) => string.Join(' ', type.Assembly == property.DeclaringType!.Assembly
        ? type.GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral && summaries.Of(field).Length > 0)
            .Select(field => $"`{field.Name}`: {summaries.Of(field)}").Prepend(summaries.Of(property))
        : [summaries.Of(property)]);

    private static (string Type, JsonObject Schema) Kind(Type type, string name) => Type.GetTypeCode(type) switch
    {
        _ when type.IsEnum => ("one of", new JsonObject { ["enum"] = new JsonArray([.. Enum.GetNames(type).Select(value => JsonValue.Create(value))]) }),
        TypeCode.Boolean => ("boolean", new JsonObject { ["type"] = "boolean" }),
        TypeCode.Int32 or TypeCode.Int64 => ($"integer{Unit(name)}", new JsonObject { ["type"] = "integer" }),
        TypeCode.Double => ("number", new JsonObject { ["type"] = "number" }),
        TypeCode.String => ("text", new JsonObject { ["type"] = "string" }),
        _ when type == typeof(TimeSpan) => ("time", new JsonObject { ["type"] = "string", ["pattern"] = @"^(\d+\.)?\d\d?:\d\d(:\d\d(\.\d{1,7})?)?$" }),
        _ when type == typeof(Uri) => ("address", new JsonObject { ["type"] = "string", ["format"] = "uri" }),
        _ when type.Name == "ByteSize" => ("size", new JsonObject { ["type"] = new JsonArray("string", "integer") }),
        _ => throw new InvalidOperationException($"OptionCatalog does not know how an option of type {type} is written."),
    };

    private static string Unit(string name) => name switch
    {
        _ when name.EndsWith("Bytes", StringComparison.Ordinal) => ", bytes",
        _ when name.EndsWith("MiB", StringComparison.Ordinal) => ", MiB",
        _ when name.EndsWith("PerSecond", StringComparison.Ordinal) => ", per second",
        _ when name.EndsWith("Seconds", StringComparison.Ordinal) => ", seconds",
        _ => "",
    };

    private static string Range(PropertyInfo property, Type type, string kind, JsonObject schema)
    {
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            if (type == typeof(TimeSpan))
            {
                return $"{Text(TimeSpan.Parse((string)range.Minimum, CultureInfo.InvariantCulture))} to {Text(TimeSpan.Parse((string)range.Maximum, CultureInfo.InvariantCulture))}";
            }

            (schema["minimum"], schema["maximum"]) = (JsonValue.Create(range.Minimum), JsonValue.Create(range.Maximum));
            var open = range.Maximum is int.MaxValue or long.MaxValue or (double)long.MaxValue;
            Func<object, string> text = kind.EndsWith("bytes", StringComparison.Ordinal) ? value => Bytes((IConvertible)value, exact: false) : Text;
            return open ? $"at least {text(range.Minimum)}" : $"{text(range.Minimum)} to {text(range.Maximum)}";
        }

        var allowed = property.GetCustomAttribute<AllowedValuesAttribute>()?.Values ?? (type.IsEnum ? Enum.GetNames(type) : null);
        if (allowed is not null)
        {
            schema["enum"] = new JsonArray([.. allowed.Select(value => JsonValue.Create(value!.ToString()))]);
            return string.Join(", ", allowed.Select(value => $"`{value}`"));
        }

        if (property.GetCustomAttribute<RegularExpressionAttribute>() is { Pattern: var pattern })
        {
            schema["pattern"] = pattern;
            return $"`` {pattern} ``";
        }

        return property.GetCustomAttribute<StringLengthAttribute>() is { MaximumLength: var length } ? $"at most {length} characters" : "";
    }

    private static string Bytes(IConvertible value, bool exact)
    {
        var bytes = value.ToInt64(CultureInfo.InvariantCulture);
        var power = bytes == 0 ? 0 : Math.Min(4, BitOperations.TrailingZeroCount(bytes) / 10);
        var text = power == 0 ? Text(bytes) : $"{bytes >> (10 * power)} {"KMGT"[power - 1]}iB";
        return !exact ? text : power > 0 ? $"{Code(Text(bytes))} ({text})" : Code(text);
    }

    private static string Code(string text) => text.Length > 0 ? $"`{text}`" : "";

    private static string Text(object? value) => value switch
    {
        null => "",
        string text => text,
        bool flag => flag ? "true" : "false",
        TimeSpan time => time.ToString(time.Milliseconds == 0 ? "c" : @"hh\:mm\:ss\.fff", CultureInfo.InvariantCulture),
        IEnumerable items => string.Join(", ", items.Cast<object>().Select(Text)),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
