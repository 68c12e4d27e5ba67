namespace Aspire.Hosting.ApplicationModel;

/// <summary>Marks a parameter that takes a name from the application model.</summary>
public interface IModelNameParameter;
