namespace Aspire.Hosting.ApplicationModel;

/// <summary>The parameter is an endpoint name.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class EndpointNameAttribute : Attribute, IModelNameParameter;
