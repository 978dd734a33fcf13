using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>One index of an indexing expression, with Python's meaning.</summary>
    public struct TensorIndex
    {
        public static TensorIndex Ellipsis = new(Kinds.Ellipsis);
        public static TensorIndex None = new(Kinds.None);
        public static TensorIndex Null = new(Kinds.None);
        public static TensorIndex Colon = Slice();

        private TensorIndex(Kinds kind)
        {
            Kind = kind;
        }

        internal enum Kinds
        {
            None,
            Ellipsis,
            Single,
            Slice,
            Bool,
            Tensor,
        }

        internal Kinds Kind { get; }

        internal long? Start { get; private init; }

        internal long? Stop { get; private init; }

        internal long? Step { get; private init; }

        internal Tensor? Indices { get; private init; }

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new(Kinds.Slice) { Start = start, Stop = stop, Step = step };

        public static TensorIndex Slice((int?, int?) range) => Slice(range.Item1, range.Item2);

        public static TensorIndex Slice(Range range) => Slice(
            FromEnd(range.Start, atEnd: null), FromEnd(range.End, atEnd: long.MaxValue));

        public static TensorIndex Bool(bool value) => new(Kinds.Bool) { Start = value ? 1 : 0 };

        public static TensorIndex Single(long? index) =>
            index is { } i ? new(Kinds.Single) { Start = i } : None;

        public static TensorIndex Tensor(Tensor tensor) => new(Kinds.Tensor) { Indices = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);

        public static implicit operator TensorIndex((int?, int?) range) => Slice(range);

        public static implicit operator TensorIndex(Range range) => Slice(range);

        public static implicit operator TensorIndex(Index index) => Single(FromEnd(index, atEnd: null));

        // ^0 as the end of a range is the end, but -0 would be the beginning.
        private static long? FromEnd(Index index, long? atEnd) =>
            !index.IsFromEnd ? index.Value : index.Value == 0 ? atEnd ?? 0 : -index.Value;
    }

    public partial class Tensor
    {
        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices).Dispose();
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices).Dispose();
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => Put([i1], value);
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[long i1, long i2]
        {
            get => Pick([i1, i2]);
            set => Put([i1, i2], value);
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3]
        {
            get => Pick([i1, i2, i3]);
            set => Put([i1, i2, i3], value);
        }

        [System.Runtime.CompilerServices.IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => Pick([i1, i2, i3, i4]);
            set => Put([i1, i2, i3, i4], value);
        }

        public Tensor index(params TensorIndex[] indices)
        {
            Tensor view = View(indices, out Tensor?[] advanced);
            if (advanced.Length == 0)
                return view;
            using (view)
                return Aten.Call("index.Tensor", view, advanced);
        }

        public Tensor index(params Tensor[] indices) => Aten.Call("index.Tensor", this, indices);

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) =>
            index_put_(value, indices, accumulate: false);

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            using Tensor view = View(indices, out Tensor?[] advanced);
            if (advanced.Length > 0)
                Aten.Call("index_put_", view, advanced, value, accumulate).Dispose();
            else if (accumulate)
                view.add_(value).Dispose();
            else
                view.copy_(value).Dispose();
            return alias();
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) =>
            Aten.Call("index_put_", this, indices, value);

        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) =>
            Aten.Call("index_put_", this, indices, value, accumulate);

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using Tensor scalar = full([], value, dtype, device);
            return index_put_(scalar, indices);
        }

        private Tensor Pick(ReadOnlySpan<long> indices)
        {
            Tensor view = alias();
            foreach (long index in indices)
            {
                Tensor outer = view;
                view = outer.select(0, index);
                outer.Dispose();
            }

            return view;
        }

        private void Put(ReadOnlySpan<long> indices, Tensor value)
        {
            using Tensor view = Pick(indices);
            view.copy_(value).Dispose();
        }

        /// <summary>
        /// Applies what can be had as a view (numbers, slices, new axes) and leaves the tensors, each at the axis of
        /// the view that it indexes, for ATen's own index.
        /// </summary>
        private Tensor View(TensorIndex[] indices, out Tensor?[] advanced)
        {
            long named = 0;
            foreach (TensorIndex index in indices)
            {
                named += index.Kind switch
                {
                    TensorIndex.Kinds.Single or TensorIndex.Kinds.Slice => 1,
                    TensorIndex.Kinds.Tensor => index.Indices!.dtype == ScalarType.Bool ? index.Indices.ndim : 1,
                    _ => 0,
                };
            }

            var tensors = new List<Tensor?>();
            Tensor view = alias();
            int axis = 0;
            int covered = 0;
            foreach (TensorIndex index in indices)
            {
                Tensor? next = null;
                switch (index.Kind)
                {
                    case TensorIndex.Kinds.Ellipsis:
                        axis += (int)(ndim - named);
                        break;
                    case TensorIndex.Kinds.None:
                        next = view.unsqueeze(axis++);
                        break;
                    case TensorIndex.Kinds.Bool:
                        // A new axis of length 1, or of length 0 where nothing is selected.
                        using (Tensor wide = view.unsqueeze(axis))
                            next = wide.slice(axis, 0, index.Start!.Value, 1);
                        axis++;
                        break;
                    case TensorIndex.Kinds.Single:
                        next = view.select(axis, index.Start!.Value);
                        break;
                    case TensorIndex.Kinds.Slice:
                        next = Aten.Call(
                            "slice.Tensor", view, axis++, index.Start, index.Stop, index.Step ?? 1);
                        break;
                    case TensorIndex.Kinds.Tensor:
                        // An entry of the list stands for one axis, but a mask for as many as it has.
                        for (; covered < axis; covered++)
                            tensors.Add(null);
                        tensors.Add(index.Indices);
                        axis += index.Indices!.dtype == ScalarType.Bool ? (int)index.Indices.ndim : 1;
                        covered = axis;
                        break;
                }

                if (next is not null)
                {
                    view.Dispose();
                    view = next;
                }
            }

            advanced = [.. tensors];
            return view;
        }
    }
}
