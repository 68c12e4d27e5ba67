using System.Text;
using Aspire.Hosting.Utils;

namespace Aspire.Hosting.ApplicationModel;

public partial class ReferenceExpression
{
    private ReferenceExpression(IValueProvider condition, string matchValue, ReferenceExpression whenTrue, ReferenceExpression whenFalse)
        : this(string.Empty, [.. whenTrue.ValueProviders, .. whenFalse.ValueProviders], [], [])
    {
        Condition = condition;
        MatchValue = matchValue;
        WhenTrue = whenTrue;
        WhenFalse = whenFalse;
        Name = CreateName();
    }

    /// <summary>Whether the expression is one of two, chosen by a value.</summary>
    public bool IsConditional => Condition is not null;

    public IValueProvider? Condition { get; }

    /// <summary>The value of <see cref="Condition"/>, without regard to case, that chooses <see cref="WhenTrue"/>.</summary>
    public string? MatchValue { get; }

    public ReferenceExpression? WhenTrue { get; }

    public ReferenceExpression? WhenFalse { get; }

    /// <summary>The name by which the manifest knows the outcome.</summary>
    internal string? Name { get; }

    private IEnumerable<object> ConditionalReferences
        => [Condition!,
            .. (Condition as IValueWithReferences)?.References ?? [],
            .. ((IValueWithReferences)WhenTrue!).References,
            .. ((IValueWithReferences)WhenFalse!).References];

    public static ReferenceExpression CreateConditional(IValueProvider condition, string matchValue, ReferenceExpression whenTrue, ReferenceExpression whenFalse)
    {
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentException.ThrowIfNullOrEmpty(matchValue);
        ArgumentNullException.ThrowIfNull(whenTrue);
        ArgumentNullException.ThrowIfNull(whenFalse);
        return new ReferenceExpression(condition, matchValue, whenTrue, whenFalse);
    }

    private async ValueTask<string?> GetBranchValueAsync(ValueProviderContext context, CancellationToken cancellationToken)
    {
        var value = await Condition!.GetValueAsync(context, cancellationToken).ConfigureAwait(false);
        var branch = string.Equals(value, MatchValue, StringComparison.OrdinalIgnoreCase) ? WhenTrue! : WhenFalse!;
        return await branch.GetValueAsync(context, cancellationToken).ConfigureAwait(false);
    }

    private string CreateName()
    {
        var condition = (Condition as IManifestExpressionProvider)?.ValueExpression;
        var words = (condition ?? string.Empty).Split(condition?.Where(c => !char.IsLetterOrDigit(c)).Distinct().ToArray() ?? [], StringSplitOptions.RemoveEmptyEntries);
        var hashed = (condition ?? Condition!.GetType().Name) + WhenTrue!.ValueExpression + WhenFalse!.ValueExpression + MatchValue;
        var hash = XxHash32.Hash(Encoding.UTF8.GetBytes(hashed));
        return $"cond-{(words.Length == 0 ? "expr" : string.Join('-', words).ToLowerInvariant())}-{hash:x8}";
    }
}
