using System.Globalization;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

/// <summary>Parameters that are used in another form than their own, such as percent-encoded in a URI: each form is a value of its own in the manifest.</summary>
internal sealed class ManifestParameterFormats
{
    private readonly Dictionary<ParameterResource, Dictionary<string, string>> _pending = [];
    private readonly Dictionary<string, ReferenceExpression> _conditional = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The manifest's expression of a reference expression.</summary>
    public string GetExpression(ReferenceExpression expression)
    {
        if (expression.IsConditional)
        {
            _conditional.TryAdd(expression.Name!, expression);
            return expression.ValueExpression;
        }

        var parts = new object[expression.ValueProviders.Count];
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i] = (expression.ValueProviders[i], expression.StringFormats[i]) switch
            {
                (ParameterResource parameter, { } format) => GetFormatted(parameter, format),
                (ReferenceExpression inner, _) => GetExpression(inner),
                _ => expression.ManifestExpressions[i],
            };
        }

        return string.Format(CultureInfo.InvariantCulture, expression.Format, parts);
    }

    /// <summary>Writes the forms of one parameter.</summary>
    public void Write(Utf8JsonWriter writer, ParameterResource parameter)
    {
        if (!_pending.Remove(parameter, out var formats))
        {
            return;
        }

        foreach (var (format, name) in formats)
        {
            writer.WriteStartObject(name);
            writer.WriteString("type", "annotated.string");
            writer.WriteString("value", parameter.ValueExpression);
            writer.WriteString("filter", format);
            writer.WriteEndObject();
        }
    }

    /// <summary>Writes what no resource has carried along: forms of parameters outside the model, and the outcome of conditional expressions.</summary>
    public async Task WriteRemainingAsync(Utf8JsonWriter writer, CancellationToken cancellationToken)
    {
        foreach (var parameter in _pending.Keys.ToArray())
        {
            Write(writer, parameter);
        }

        foreach (var (name, expression) in _conditional)
        {
            writer.WriteStartObject(name);
            writer.WriteString("type", "value.v0");
            writer.WriteString("connectionString", await expression.GetValueAsync(cancellationToken).ConfigureAwait(false) ?? string.Empty);
            writer.WriteEndObject();
        }
    }

    private string GetFormatted(ParameterResource parameter, string format)
    {
        if (!_pending.TryGetValue(parameter, out var formats))
        {
            _pending[parameter] = formats = [];
        }

        var name = $"{parameter.Name}-{format}-encoded";
        formats.TryAdd(format, name);
        return $"{{{name}.value}}";
    }
}
