namespace SseApp.Gateway.Relay;

/// <summary>What is under way on a connection, by number. Its owner locks where something is added or removed.</summary>
internal sealed class RelaySlots<T>
    where T : class
{
    private const int First = 64;

    private readonly Stack<int> _free = new();
    private volatile T?[] _items = new T?[First];
    private int _used;
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public IEnumerable<T> All => _items.OfType<T>();

    public T Add(Func<int, T> create)
    {
        if (!_free.TryPop(out var id))
        {
            id = _used++;
            if (id == _items.Length)
            {
                var larger = new T?[_items.Length * 2];
                _items.CopyTo(larger, 0);
                _items = larger;
            }
        }

        var item = create(id);
        _items[id] = item;
        _count++;
        return item;
    }

    /// <summary>Null when nothing has this number. Needs no lock.</summary>
    public T? Find(int id)
    {
        var items = _items;
        return (uint)id < (uint)items.Length ? items[id] : null;
    }

    /// <summary>Its number is free again.</summary>
    /// <returns>False when it was.</returns>
    public bool Remove(int id)
    {
        if (_items[id] is null)
        {
            return false;
        }

        _items[id] = null;
        _free.Push(id);
        _count--;
        return true;
    }
}
