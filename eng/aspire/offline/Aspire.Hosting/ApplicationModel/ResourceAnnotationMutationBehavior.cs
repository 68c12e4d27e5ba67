namespace Aspire.Hosting.ApplicationModel;

/// <summary>What adding an annotation does to earlier ones of the same type.</summary>
public enum ResourceAnnotationMutationBehavior
{
    Append,
    Replace,
}
