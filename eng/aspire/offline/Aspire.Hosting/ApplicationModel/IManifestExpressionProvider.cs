namespace Aspire.Hosting.ApplicationModel;

/// <summary>Something that has an expression in the manifest, such as <c>{redis.connectionString}</c>.</summary>
public interface IManifestExpressionProvider
{
    string ValueExpression { get; }
}
