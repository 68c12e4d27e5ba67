namespace Aspire.Hosting.ApplicationModel;

/// <summary>Adds or replaces one connection property of the resource.</summary>
public sealed class ConnectionPropertyAnnotation(string name, ReferenceExpression referenceExpression) : IResourceAnnotation
{
    public string Name { get; } = name;

    public ReferenceExpression Value { get; } = referenceExpression;
}
