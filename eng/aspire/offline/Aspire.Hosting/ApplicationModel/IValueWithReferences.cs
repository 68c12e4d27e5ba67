namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value made from other values or resources.</summary>
public interface IValueWithReferences
{
    IEnumerable<object> References { get; }
}
