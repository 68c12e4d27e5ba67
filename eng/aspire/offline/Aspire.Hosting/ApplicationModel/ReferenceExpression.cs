using System.Diagnostics;
using System.Globalization;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A text with holes for values that are known once the application runs, and its form in the manifest.
/// Made from an interpolated string: <c>ReferenceExpression.Create($"{host}:{port}")</c>.</summary>
[DebuggerDisplay("ReferenceExpression = {ValueExpression}, Providers = {ValueProviders.Count}")]
public partial class ReferenceExpression : IExpressionValue, IValueWithReferences
{
    public static readonly ReferenceExpression Empty = new(string.Empty, [], [], []);

    private readonly string?[] _stringFormats;

    private ReferenceExpression(string format, IValueProvider[] valueProviders, string[] manifestExpressions, string?[] stringFormats)
    {
        Format = format;
        ValueProviders = valueProviders;
        ManifestExpressions = manifestExpressions;
        _stringFormats = stringFormats;
    }

    /// <summary>A composite format string; <c>{0}</c> stands for the first of <see cref="ValueProviders"/>.</summary>
    public string Format { get; }

    /// <summary>The manifest's expression of each value.</summary>
    public IReadOnlyList<string> ManifestExpressions { get; }

    /// <summary>The format of each value, such as <c>uri</c>, or null.</summary>
    public IReadOnlyList<string?> StringFormats => _stringFormats;

    public IReadOnlyList<IValueProvider> ValueProviders { get; }

    public string ValueExpression => IsConditional
        ? $"{{{Name}.connectionString}}"
        : string.Format(CultureInfo.InvariantCulture, Format, [.. ManifestExpressions]);

    IEnumerable<object> IValueWithReferences.References => IsConditional ? ConditionalReferences : ValueProviders;

    public static ReferenceExpression Create(in ExpressionInterpolatedStringHandler handler) => handler.GetExpression();

    /// <summary>Waits for every value and joins them; null when the expression is empty.</summary>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken)
        => GetValueAsync(new ValueProviderContext(), cancellationToken);

    /// <inheritdoc cref="GetValueAsync(CancellationToken)" />
    public async ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken)
    {
        if (IsConditional)
        {
            return await GetBranchValueAsync(context, cancellationToken).ConfigureAwait(false);
        }

        if (Format.Length == 0)
        {
            return null;
        }

        var values = new object?[ValueProviders.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var value = await ValueProviders[i].GetValueAsync(context, cancellationToken).ConfigureAwait(false);
            values[i] = value is not null && _stringFormats[i] is { } format ? FormatValue(value, format) : value;
        }

        return string.Format(CultureInfo.InvariantCulture, Format, values);
    }

    internal static ReferenceExpression Create(string format, IValueProvider[] valueProviders, string[] manifestExpressions, string?[] stringFormats)
        => new(format, valueProviders, manifestExpressions, stringFormats);

    internal static string FormatValue(string value, string format)
        => string.Equals(format, "uri", StringComparison.OrdinalIgnoreCase)
            ? Uri.EscapeDataString(value)
            : throw new FormatException($"The format '{format}' is not supported in a reference expression; only 'uri' is.");
}
